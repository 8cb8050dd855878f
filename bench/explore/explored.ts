/** The texts on explored cells that all forms of the report share. Pure. */

import { counted, list, nothing, whole } from '../page/format.ts';
import type { ExploredCell, ExploredPart } from './verdict.ts';

const titles: Readonly<Record<string, string>> = { none: 'no event' };

/** The kinds of events that occur in any cell, `none` first. */
export function eventColumns(cells: readonly ExploredCell[]): string[] {
  const kinds = new Set(cells.flatMap(cell => cell.parts.map(part => part.event)));
  return [...kinds].sort((a, b) => Number(b === 'none') - Number(a === 'none') || (a < b ? -1 : 1));
}

export function eventTitle(event: string): string {
  return titles[event] ?? event.replaceAll('-', ' ');
}

/** Explains the cells of the table. */
export const partsLegend =
  '✓ every order held; ✗ so many orders did not; ? not finished, or the control was not seen to fail; ' +
  '… not reached in time; – no such order.';

/** `✓ 96`: all 96 orders satisfy the audit; `✗ 28 of 96`: 28 do not; `!` if that contradicts the claim. */
export function partText(cell: ExploredCell, event: string): string {
  const part = cell.parts.find(one => one.event === event);
  if (!part) return cell.outcome === 'budget-stopped' ? '…' : nothing;
  const broken = part.agreement === 'claim violated' ? '!' : '';
  if (part.violating > 0) return `✗${broken} ${whole(part.violating)} of ${whole(part.orders)}`;
  return `${cell.exhausted && isJudged(cell) && isProven(cell) ? '✓' : '?'} ${whole(part.orders)}`;
}

/** Whether the counts amount to a verdict. */
function isJudged({ outcome }: ExploredCell): boolean {
  return outcome === 'safe' || outcome === 'unsafe';
}

/** Whether the audit saw the control fail in the same round and bound. Older runs did not check. */
export function isProven({ control }: ExploredCell): boolean {
  return control?.seen !== false;
}

/** The bound, and whether every order within it was visited. */
export function reachText(cell: ExploredCell): string {
  if (cell.outcome === 'not offered') return 'not offered';
  if (cell.exhausted) return cell.bound;
  return cell.orders > 0 ? `${cell.bound} (part)` : cell.outcome;
}

export function nameOfCell({ strategies }: ExploredCell): string {
  const names = [...new Set(strategies)];
  return names.length === 1 ? (names[0] ?? '') : strategies.join(' ‖ ');
}

/** With the round, unless it is plain. */
export function rowNameOf(cell: ExploredCell): string {
  return cell.round === 'plain' ? nameOfCell(cell) : `${nameOfCell(cell)}, ${cell.round}`;
}

/**
 * Cells with a predicted violation that no order showed, though every order within the bound was
 * visited, in this round and any other of the same callers: a prediction covers all rounds of a variant.
 */
export function notShown(cells: readonly ExploredCell[]): ExploredCell[] {
  return cells.filter(cell => unseenIn(cell, cells).length > 0);
}

/** The events under which a violation was predicted, and no order showed one. */
function unseenIn(cell: ExploredCell, cells: readonly ExploredCell[]): string[] {
  if (!cell.exhausted) return [];
  const isShown = ({ event }: ExploredPart): boolean =>
    cells.some(
      other =>
        other.scenario === cell.scenario &&
        other.variant === cell.variant &&
        other.strategies.join() === cell.strategies.join() &&
        other.parts.some(
          part => part.violating > 0 && (part.event === event || part.event === 'none'),
        ),
    );
  return cell.parts
    .filter(part => part.agreement === 'not shown' && !isShown(part))
    .map(part => eventTitle(part.event));
}

/** The claims broken by some order. */
export function brokenClaims(cells: readonly ExploredCell[]): ExploredPart[] {
  return cells.flatMap(cell => cell.parts).filter(part => part.agreement === 'claim violated');
}

/** Notes on cells that are incomplete or not as claimed. */
export function exploredNotes(cells: readonly ExploredCell[]): string[] {
  const offered = cells.filter(cell => cell.outcome !== 'not offered');
  const early = offered.filter(cell => !cell.exhausted && cell.orders > 0 && cell.violating === 0);
  const late = offered.filter(cell => cell.outcome === 'budget-stopped' && cell.orders === 0);
  const odd = offered.filter(cell => !['safe', 'unsafe', 'budget-stopped'].includes(cell.outcome));
  const unseen = notShown(offered);
  const unproven = offered.filter(cell => cell.orders > 0 && !isProven(cell));
  const excused = offered.filter(cell => cell.parts.some(part => part.excused));
  return [
    ...(early.length > 0
      ? [`Not every order within the bound was visited: ${list(early.map(rowNameOf))}.`]
      : []),
    ...(late.length > 0
      ? [`Not explored, for lack of time: ${named(late)}; --explore-seconds gives more.`]
      : []),
    ...(unseen.length > 0
      ? [
          'Predicted to violate, but no order within the bound did: ' +
            `${list(unseen.map(cell => `${rowNameOf(cell)} (${unseenIn(cell, offered).join(', ')})`))}.`,
        ]
      : []),
    ...unproven.map(cell => `${rowNameOf(cell)}: no verdict, ${cell.control?.why}.`),
    ...(excused.length > 0
      ? [
          'Violations only where an effect was left without its record, for which there is no claim: ' +
            `${list(excused.map(rowNameOf))}.`,
        ]
      : []),
    ...odd.map(cell => `${rowNameOf(cell)}: ${cell.outcome}, ${cell.why}`),
  ];
}

/** The plain rounds by name; of the others how many. */
function named(cells: readonly ExploredCell[]): string {
  const plain = cells.filter(cell => cell.round === 'plain').map(nameOfCell);
  const rest = cells.length - plain.length;
  return list([...plain, ...(rest > 0 ? [counted(rest, 'other round')] : [])]);
}

export const boundTitle = 'preemptions + event';

/** The introduction to the section. */
export const exploredIntroduction =
  'Two callers of one key, in every order of their requests within the bound, on real servers: the ' +
  'number of orders that the audit rejects, by event. The bound limits preemptions (a caller that ' +
  'could continue is made to wait) and events.';
