/** What every form of the report says of explored cells. Pure. */

import { list, nothing, whole } from '../page/format.ts';
import type { ExploredCell, ExploredPart } from './verdict.ts';

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
  return `${cell.exhausted && isJudged(cell) && isProven(cell) ? '✓' : '?'} ${whole(part.orders)}`;
}

/** What was counted is a verdict: of all others it is not known what it says. */
function isJudged({ outcome }: ExploredCell): boolean {
  return outcome === 'safe' || outcome === 'unsafe';
}

/** The judge was seen to fail a control under the same conditions. Older runs have not asked. */
export function isProven({ control }: ExploredCell): boolean {
  return control?.seen !== false;
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

/** With the round, where it is not the usual one. */
export function rowNameOf(cell: ExploredCell): string {
  return cell.round === 'plain' ? nameOfCell(cell) : `${nameOfCell(cell)}, ${cell.round}`;
}

/**
 * Predicted violations that no order showed, though all within the bound were visited: neither in
 * this round nor in another one of the same callers. A prediction is about all rounds of a variant.
 */
export function notShown(cells: readonly ExploredCell[]): ExploredCell[] {
  const isShown = ({ event }: ExploredPart, { scenario, variant, strategies }: ExploredCell) =>
    cells.some(
      other =>
        other.scenario === scenario &&
        other.variant === variant &&
        other.strategies.join() === strategies.join() &&
        other.parts.some(
          part => part.violating > 0 && (part.event === event || part.event === 'none'),
        ),
    );
  return cells.filter(
    cell =>
      cell.exhausted &&
      cell.parts.some(part => part.agreement === 'not shown' && !isShown(part, cell)),
  );
}

/** The claims that some order broke. */
export function brokenClaims(cells: readonly ExploredCell[]): ExploredPart[] {
  return cells.flatMap(cell => cell.parts).filter(part => part.agreement === 'claim violated');
}

/** What there is to say beside the figures; empty where all is as claimed and complete. */
export function exploredNotes(cells: readonly ExploredCell[]): string[] {
  const offered = cells.filter(cell => cell.outcome !== 'not offered');
  const early = offered.filter(cell => !cell.exhausted && cell.orders > 0 && cell.violating === 0);
  const late = offered.filter(cell => cell.outcome === 'budget-stopped' && cell.orders === 0);
  const odd = offered.filter(cell => !['safe', 'unsafe', 'budget-stopped'].includes(cell.outcome));
  const unseen = notShown(offered);
  const unproven = offered.filter(cell => !isProven(cell));
  const excused = offered.filter(cell => cell.parts.some(part => part.excused));
  return [
    ...(early.length > 0
      ? [`Not every order within the bound was visited for ${list(early.map(rowNameOf))}.`]
      : []),
    ...(late.length > 0 ? [`No time was left for ${list(late.map(rowNameOf))}.`] : []),
    ...(unseen.length > 0
      ? [
          `Predicted, and in no order within the bound: a violation by ${list(unseen.map(rowNameOf))}.`,
        ]
      : []),
    ...unproven.map(cell => `${rowNameOf(cell)}: no verdict, ${cell.control?.why}.`),
    ...(excused.length > 0
      ? [
          'Violates where an effect was sent again, of which nothing is claimed: ' +
            `${list(excused.map(rowNameOf))}.`,
        ]
      : []),
    ...odd.map(cell => `${rowNameOf(cell)}: ${cell.outcome}, ${cell.why}`),
  ];
}

export const boundTitle = 'preemptions + event';

/** What the section rests on, in a sentence for people. */
export const exploredIntroduction =
  'Two callers of one key, in every order of their requests within the bound, on real servers: ' +
  'how many orders of how many the audit rejects, by what happened in them. The bound is how often ' +
  'a caller that could go on is made to wait, and how many events there are beside that.';
