/** What every form of the report says of explored cells. Pure. */
import type { ExploredCell, ExploredPart } from '../exploration/verdict.ts';
import { list, nothing, whole } from './format.ts';

const titles: Readonly<Record<string, string>> = { none: 'no event' };

/** The kinds of events that some cell met, `none` first. */
export function eventColumns(cells: readonly ExploredCell[]): string[] {
  const kinds = new Set(cells.flatMap(cell => cell.parts.map(part => part.event)));
  return [...kinds].sort((a, b) => Number(b === 'none') - Number(a === 'none') || (a < b ? -1 : 1));
}

export function eventTitle(event: string): string {
  return titles[event] ?? event.replaceAll('-', ' ');
}

/** `✓ 96`: all of 96 orders satisfy the audit; `✗ 28 of 96`; `!` where that contradicts the claim. */
export function partText(cell: ExploredCell, event: string): string {
  const part = cell.parts.find(one => one.event === event);
  if (!part) return nothing;
  const broken = part.agreement === 'claim violated' ? '!' : '';
  if (part.violating > 0) return `✗${broken} ${whole(part.violating)} of ${whole(part.orders)}`;
  return `${cell.exhausted ? '✓' : '?'} ${whole(part.orders)}`;
}

/** The bound, and whether all within it was visited. */
export function reachText(cell: ExploredCell): string {
  if (cell.outcome === 'not offered') return 'not offered';
  if (cell.exhausted) return cell.bound;
  return cell.orders > 0 ? `${cell.bound} (part)` : cell.outcome;
}

export function nameOfCell({ strategies }: ExploredCell): string {
  const names = [...new Set(strategies)];
  return names.length === 1 ? (names[0] ?? '') : strategies.join(' ‖ ');
}

/** The claims that some order broke. */
export function brokenClaims(cells: readonly ExploredCell[]): ExploredPart[] {
  return cells.flatMap(cell => cell.parts).filter(part => part.agreement === 'claim violated');
}

/** What there is to say beside the figures; empty where all is as claimed and complete. */
export function exploredNotes(cells: readonly ExploredCell[]): string[] {
  const offered = cells.filter(cell => cell.outcome !== 'not offered');
  const early = offered.filter(cell => !cell.exhausted && cell.orders > 0 && cell.violating === 0);
  const odd = offered.filter(cell => !['safe', 'unsafe', 'budget-stopped'].includes(cell.outcome));
  const unseen = offered.filter(cell =>
    cell.parts.some(part => part.agreement === 'not shown' && cell.exhausted),
  );
  return [
    ...(early.length > 0
      ? [`Not every order within the bound was visited for ${list(early.map(nameOfCell))}.`]
      : []),
    ...(unseen.length > 0
      ? [
          `Predicted, and in no order within the bound: a violation by ${list(unseen.map(nameOfCell))}.`,
        ]
      : []),
    ...odd.map(cell => `${nameOfCell(cell)}: ${cell.outcome}, ${cell.why}`),
  ];
}

export const boundTitle = 'preemptions + event';

/** What the section rests on, in a sentence for people. */
export const exploredIntroduction =
  'Two callers of one key, in every order of their requests within the bound, on real servers: ' +
  'how many orders of how many the audit rejects, by what happened in them. The bound is how often ' +
  'a caller that could go on is made to wait, and how many events there are beside that.';
