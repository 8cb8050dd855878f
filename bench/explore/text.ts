/** Explored cells as text for a terminal. Pure. */

import { laid, wrapped } from '../page/columns.ts';
import {
  boundTitle,
  eventColumns,
  eventTitle,
  exploredNotes,
  isProven,
  nameOfCell,
  partText,
  reachText,
} from './explored.ts';
import type { ExploredCell } from './verdict.ts';

/** One line per cell; `timelines` adds the shortest counterexamples. */
export function exploredText(cells: readonly ExploredCell[], timelines: boolean): string {
  const events = eventColumns(cells);
  const tables = byTitle(cells).flatMap(([title, own]) => {
    const head = [title, ...events.map(eventTitle), 'claimed', boundTitle];
    const rows = own.map(cell => [
      nameOfCell(cell),
      ...events.map(event => partText(cell, event)),
      claimsOf(cell),
      reachText(cell),
    ]);
    return ['', ...laid([head, ...rows], `l${events.map(() => 'l').join('')}ll`)];
  });
  const notes = exploredNotes(cells).flatMap(note => wrapped(note));
  const shown = timelines ? cells.flatMap(timelineOf) : [];
  return `${[...tables, '', ...notes, ...shown].join('\n').trim()}\n`;
}

/** Which strategies can share a key: a table per variant, a symbol per pair. */
export function pairsText(cells: readonly ExploredCell[], timelines: boolean): string {
  const tables = byTitle(cells).flatMap(([title, own]) => ['', title, ...pairTable(own)]);
  const bounds = [...new Set(cells.map(({ bound }) => bound).filter(Boolean))];
  const legend =
    '✓ every order within the bound satisfies the audit, ✗ some order does not, ' +
    '? not every order was visited or the control did not fail, – not offered';
  const shown = timelines ? cells.flatMap(timelineOf) : [];
  const below = ['', legend, `${boundTitle}: ${bounds.join('; ')}`, ...shown];
  return `${[...tables, ...below].join('\n').trim()}\n`;
}

function pairTable(cells: readonly ExploredCell[]): string[] {
  const names = [...new Set(cells.flatMap(cell => cell.strategies))];
  const number = (index: number): string => String(index + 1).padStart(2);
  const symbolOf = (a: string, b: string): string => {
    const cell = cells.find(({ strategies: [one, other] }) => {
      return (one === a && other === b) || (one === b && other === a);
    });
    return cell === undefined ? '' : pairSymbol(cell);
  };
  const rows = names.map((name, row) => [
    `${number(row)} ${name}`,
    ...names.map((other, column) => (column <= row ? symbolOf(name, other) : '')),
  ]);
  const head = ['', ...names.map((_, index) => number(index))];
  return laid([head, ...rows], `l${names.map(() => 'r').join('')}`);
}

function pairSymbol(cell: ExploredCell): string {
  if (cell.outcome === 'not offered') return '–';
  if (cell.violating > 0) return '✗';
  return cell.exhausted && cell.outcome === 'safe' && isProven(cell) ? '✓' : '?';
}

function byTitle(cells: readonly ExploredCell[]): [title: string, own: ExploredCell[]][] {
  const titles = [...new Set(cells.map(titleOf))];
  return titles.map(title => [title, cells.filter(cell => titleOf(cell) === title)]);
}

function titleOf({ scenario, variant, round }: ExploredCell): string {
  return `${scenario}/${variant}${round === 'plain' ? '' : `, ${round}`}`;
}

/** The distinct claims, without and with events. */
function claimsOf({ parts }: ExploredCell): string {
  const said = parts.flatMap(({ claimed }) => (claimed ? [claimed.verdict] : []));
  return [...new Set(said)].join(', ');
}

function timelineOf(cell: ExploredCell): string[] {
  if (!cell.counterexample) return [];
  return ['', `${nameOfCell(cell)}: ${cell.why}`, '', cell.counterexample.timeline];
}
