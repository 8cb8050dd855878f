/** What a report and the terminal say first, or last: the result in at most five lines. Pure. */
import { eventTitle } from '../explore/explored.ts';
import { counted, list, percent, times, whole } from '../page/format.ts';
import { headline, inOrder, type Place, placesOf, ranked } from './content.ts';
import { notRanked } from './ranks.ts';
import { type CellSummary, isExploredOf, type Summary } from './summary.ts';

/** The result, what held, what failed, what to take here, and why. The first is `headline`. */
export function firstLines(summary: Summary): readonly string[] {
  const { incomplete, plan } = summary;
  if (incomplete) return [headline(summary)];
  const places = placesOf(summary);
  const [only, ...others] = places;
  if (!only || others.length > 0)
    return [
      headline(summary),
      heldInAll(places),
      notRanked(plan.repetitions) || cheapestIn(places),
      'For an operation of your own: lockstep advise.',
    ].filter(line => line !== '');
  return [headline(summary), heldLine(only), failedLine(only), ...takeLines(only, summary)];
}

const nameOf = ({ strategy }: CellSummary): string => strategy.name;

const isSafe = ({ verdict, strategy }: CellSummary): boolean =>
  verdict.observed === 'safe' && strategy.hazard === null;

function heldLine({ cells }: Place): string {
  const held = inOrder(cells).filter(isSafe);
  if (held.length === 0) return 'Nothing was shown to hold.';
  const keys = Math.min(...held.map(({ observed }) => observed?.keysTested ?? 0));
  const bound = Math.max(...held.map(({ verdict }) => verdict.boundShare ?? 1));
  return (
    `Held: ${list(held.map(nameOf))}; violated on none of at least ${counted(keys, 'key')} each, so on fewer ` +
    `than ${percent(bound)}.`
  );
}

function failedLine({ cells }: Place): string {
  const failed = inOrder(cells).filter(({ verdict }) => verdict.observed === 'unsafe');
  if (failed.length === 0)
    return 'Nothing failed, not even the control: what held was not put to the test.';
  const told = failed.map(cell => {
    const { keysHit = 0, keysHitElsewhere = 0, keys = 0 } = cell.observed ?? {};
    return `${nameOf(cell)} (${whole(keysHit - keysHitElsewhere)} of ${counted(keys, 'key')})`;
  });
  return `Failed: ${list(told)}.`;
}

function takeLines(
  { cells }: Place,
  { explored, plan: { repetitions } }: Summary,
): readonly string[] {
  const best = ranked(cells, 'contested');
  const [cheapest] = best;
  if (!cheapest) return [notRanked(repetitions) || 'Nothing to take: no strategy was ranked.'];
  const alike = best.filter(cell => placeIn(cell) === placeIn(cheapest));
  const [take = cheapest] = alike.toSorted((a, b) => burdenOf(a) - burdenOf(b));
  const others = alike.filter(cell => cell !== take).map(nameOf);
  const shared = others.length > 0 ? `, no dearer than ${list(others)} by more than chance` : '';
  return [
    `Take ${nameOf(take)} here: ${take.strategy.title}.${except(take, explored)}`,
    `Why: the cheapest where callers meet${shared}; it asks for ${asksFor(take)}${lighter(take, best)}.`,
  ];
}

/** What no load shows: the events under which an explored order of it was violated. */
function except(take: CellSummary, explored: Summary['explored']): string {
  const parts = explored.filter(one => isExploredOf(take, one)).flatMap(one => one.parts);
  const failed = parts.filter(({ violating }) => violating > 0);
  const titles = [...new Set(failed.map(({ event }) => eventTitle(event)))];
  return titles.length > 0
    ? ` It does not hold in every order of two callers (${list(titles)}): see Explored.`
    : '';
}

/** Where the cheapest needs a migration or a server: the cheapest that needs less. */
function lighter(take: CellSummary, best: readonly CellSummary[]): string {
  if (burdenOf(take) === 0) return '';
  const other = best.find(cell => burdenOf(cell) === 0);
  if (!other) return '';
  const [mine, its] = [take, other].map(cell => cell.ranks.contested?.toControl.middle);
  const dearer = mine !== undefined && its !== undefined ? `, ${times(its / mine)} as dear` : '';
  return `; without one: ${nameOf(other)}${dearer}`;
}

const placeIn = (cell: CellSummary): number => cell.ranks.contested?.place ?? 0;

function burdenOf({ strategy: { adoption } }: CellSummary): number {
  return (adoption.migration === 'none' ? 0 : 1) + (adoption.newDependency === null ? 0 : 2);
}

/** A result file has it as a text. */
const migrationWords: Readonly<Record<string, string>> = {
  none: 'no migration',
  column: 'a column',
  'constraint over existing rows': 'a constraint over existing rows',
};

function asksFor({ strategy: { adoption } }: CellSummary): string {
  const { migration, newDependency, retryNeeded } = adoption;
  return list([
    migrationWords[migration] ?? migration,
    newDependency ?? 'no new server',
    ...(retryNeeded ? ['retries'] : []),
  ]);
}

function heldInAll(places: readonly Place[]): string {
  const names = [...new Set(places.flatMap(({ cells }) => cells.map(nameOf)))];
  const everywhere = names.filter(name =>
    places.every(({ cells }) => cells.some(cell => nameOf(cell) === name && isSafe(cell))),
  );
  return everywhere.length > 0
    ? `Held in all ${places.length}: ${list(everywhere)}.`
    : `None held in all ${places.length}: each operation has its own.`;
}

function cheapestIn(places: readonly Place[]): string {
  const told = places.flatMap(({ title, cells }) => {
    const first = ranked(cells, 'contested').filter(cell => placeIn(cell) === 1);
    return first.length > 0 ? [`${title}: ${list(first.map(nameOf))}`] : [];
  });
  return told.length > 0 ? `Cheapest where callers meet: ${told.join('; ')}.` : '';
}
