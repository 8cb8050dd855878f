import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Exploration, explore, type ServerUrls } from '../../src/explore/explore.ts';
import type { Race } from '../../src/explore/race.ts';
import { timelineMarkdown } from '../../src/explore/timeline/text.ts';
import { tableMarkdown } from '../page/markdown.ts';
import { numbers, words } from '../page/report.ts';

const run = promisify(execFile);
const folder = new URL('../../examples/gallery/', import.meta.url);
const installMs = 300_000;

/** One exploration of a package as published. */
interface Look {
  readonly config: Race;
  readonly found: Exploration;
  /** Its preconditions, or a description of the cure. */
  readonly note: string;
}

export interface GalleryEntry {
  /** `package@version`: a folder in examples/gallery. */
  readonly name: string;
  readonly race: Look;
  /** Undefined if there is no cure.config.ts. */
  readonly cure: Look | undefined;
}

/** Installs the packages of the gallery, unless those of its lock file are installed already. */
export async function installGallery(): Promise<void> {
  const lock = await readFile(new URL('package-lock.json', folder));
  const digest = createHash('sha256').update(lock).digest('hex');
  const mark = new URL('node_modules/.installed', folder);
  if (existsSync(mark) && (await readFile(mark, 'utf8')) === digest) return;
  await run('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: fileURLToPath(folder),
    timeout: installMs,
  });
  await writeFile(mark, digest);
}

/** The packages whose names contain one of the words, sorted; all if there are no words. */
export async function galleryNames(words: readonly string[] = []): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter(name => /.@\d/.test(name)).sort();
  return names.filter(name => words.length === 0 || words.some(word => name.includes(word)));
}

/** Explores these packages; calls `done` after each. */
export async function exploreGallery(
  names: readonly string[],
  servers: ServerUrls,
  done: (entry: GalleryEntry) => void = () => undefined,
): Promise<readonly GalleryEntry[]> {
  const entries: GalleryEntry[] = [];
  for (const name of names) {
    const cured = existsSync(new URL(`${name}/cure.config.ts`, folder));
    const entry = {
      name,
      race: await look(`${name}/race.config.ts`, servers),
      cure: cured ? await look(`${name}/cure.config.ts`, servers) : undefined,
    };
    entries.push(entry);
    done(entry);
  }
  return entries;
}

async function look(path: string, servers: ServerUrls): Promise<Look> {
  const file = pathToFileURL(fileURLToPath(new URL(path, folder))).href;
  const loaded: { readonly default: Race; readonly note: string } = await import(file);
  const config = loaded.default;
  return { config, found: await explore(config, { ...config, servers }), note: loaded.note };
}

/** docs/gallery.md: a table, then the findings for each package. */
export const galleryDocument = {
  path: fileURLToPath(new URL('../../docs/gallery.md', import.meta.url)),
  text: (entries: readonly GalleryEntry[]): string =>
    withoutChance(`# A gallery of code that we did not write

Packages as their makers publish them, run unmodified under the explorer by \`npm run dev:gallery\`, which also writes this page;
\`npm run test:slow\` runs them again and compares. Each folder below \`examples/gallery/\` is one package and one scenario, a
configuration of some twenty lines. What is said holds for that scenario, within the bound that is given, under the
preconditions that are named, and for nothing else: it claims no vulnerability, and most of it stands in the manuals.

${tableMarkdown(columns, entries.map(rowOf))}

${entries.map(sectionOf).join('\n')}`),
};

/** Replaces random tokens, which differ from run to run. */
function withoutChance(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')
    .replace(/(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])/g, '…')
    .replace(/\b1[6-9]\d{8}\b/g, '…'); // seconds since 1970
}

const columns = [
  ...words('package', 'scenario'),
  ...numbers('orders', 'violating'),
  ...words('verdict', 'with the cure'),
];

function rowOf({ name, race, cure }: GalleryEntry): string[] {
  const { orders, violating, outcome } = race.found;
  const cured = cure === undefined ? '' : `${cure.found.outcome}, ${cure.found.orders} orders`;
  const counts = [String(orders), String(violating)];
  return [`\`${name}\``, race.config.title ?? '', ...counts, outcome, cured];
}

function sectionOf({ name, race, cure }: GalleryEntry): string {
  const { config, found, note } = race;
  const { counterexample } = found;
  const parts = [
    `## ${name}`,
    '',
    `${note}`,
    '',
    `Bound: ${boundText(found)}. ${sentence(found)}`,
    '',
  ];
  if (counterexample !== undefined) {
    parts.push(timelineMarkdown({ actors: Object.keys(config.actors), counterexample }));
  }
  if (cure !== undefined) {
    parts.push(
      `The cure: ${cure.note} Bound: ${boundText(cure.found)}. ${sentence(cure.found)}`,
      '',
    );
  }
  return parts.join('\n');
}

function boundText({ bound }: Exploration): string {
  const most = bound.preemptions === undefined ? 'any number of' : `at most ${bound.preemptions}`;
  return `${most} preemptions, at most ${bound.events} events`;
}

function sentence({ why, exhausted, covered }: Exploration): string {
  const share = exhausted ? 'every order within it' : `${Math.round(covered * 100)} % of it`;
  return `Found (${share}): ${why}.`;
}
