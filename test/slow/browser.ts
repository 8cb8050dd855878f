/** Debian's Chromium, and what is asked of a page in it. */
import { type Browser, chromium, type Page } from 'playwright-core';

/** Without the last five it looks for hosts and updates of its maker when it starts. */
const flags = [
  '--no-sandbox', // root may not start it otherwise; it opens our own file alone
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
export const widths = { desktop: 1_300, phone: 390 } as const;
export const schemes = ['light', 'dark'] as const;

export const openBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: flags });

/** Collects what the page asks for beside itself, and what the browser complains of. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on('request', request => {
    if (!request.isNavigationRequest()) faults.push(`request: ${request.url()}`);
  });
  page.on('console', message => faults.push(`console: ${message.text()}`));
  page.on('pageerror', error => faults.push(`error: ${error.message}`));
  return faults;
}

// These run in the page, whose types this project does not know.

/** By how much the page is wider than the window. */
export const overhang =
  'document.documentElement.scrollWidth - document.documentElement.clientWidth';

/** The tables of which a part is hidden until they are scrolled, those in folds among them. */
export const cutTables = `(() => {
  for (const fold of document.querySelectorAll('details')) fold.open = true;
  return [...document.querySelectorAll('.scroll')]
    .filter(box => box.scrollWidth > box.clientWidth)
    .map(box => box.firstChild.ariaLabel + ': ' + (box.scrollWidth - box.clientWidth) + ' px');
})()`;

export const isDark = `getComputedStyle(document.body).backgroundColor
  .match(/[0-9.]+/g).slice(0, 3).every(part => part < 100)`;

/** Texts in tables whose contrast to what is behind them is below 4.5 (WCAG 2.2, level AA). */
export const illegible = `(() => {
  const channels = color => color.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map(part => part / 255)
      .map(part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const color = channels(getComputedStyle(at).backgroundColor);
      if (color[3] !== 0) return color;
    }
    return [255, 255, 255];
  };
  const contrast = element => {
    const lights = [channels(getComputedStyle(element).color), behind(element)].map(light);
    return (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
  };
  return [...document.querySelectorAll('th, td, td *, th *')]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .filter(element => element.checkVisibility() && contrast(element) < 4.5)
    .map(element => element.textContent + ': ' + contrast(element).toFixed(2));
})()`;
