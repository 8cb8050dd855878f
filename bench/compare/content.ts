/** The content shared by all forms of the report: terminal, Markdown and HTML. Pure. */

import { nameOfCell } from '../explore/explored.ts';
import { sampledNote } from '../lab/sampled.ts';
import { counted, list, nothing, percent, whole } from '../page/format.ts';
import { hasNoVerdict } from './exit.ts';
import type { PhaseName } from './schema.ts';
import { type CellSummary, placeOf, type Summary } from './summary.ts';

export type Observed = CellSummary['verdict']['observed'];

export const symbols: Readonly<Record<Observed, string>> = {
  safe: '✓',
  unsafe: '✗',
  'no claim': '~',
  inconclusive: '?',
  'not offered': '–',
};

export const phaseTitles: Readonly<Record<PhaseName, string>> = {
  contested: 'Contested: many callers, one key',
  alone: 'Alone: one command in flight',
  busy: 'Busy: many keys, one caller each',
};

/** The cells of one scenario and variant. `title`: `scenario/variant`. */
export interface Place {
  readonly title: string;
  readonly cells: readonly CellSummary[];
}

/** The cells by place, in the order of the run. Strategies are compared only within a place. */
export function placesOf({ cells }: Pick<Summary, 'cells'>): readonly Place[] {
  const titles = [...new Set(cells.map(placeOf))];
  return titles.map(title => ({ title, cells: cells.filter(cell => placeOf(cell) === title) }));
}

/** What was compared, in brief: "appointment", "coupon and payout", "7 scenarios". */
export function subject({ plan }: Summary): string {
  const names = plan.scenarios.map(({ name }) => name);
  return names.length > 3 ? counted(names.length, 'scenario') : list(names);
}

const orderOfVerdicts: readonly Observed[] = [
  'safe',
  'no claim',
  'inconclusive',
  'unsafe',
  'not offered',
];

/** Cells in reading order: violated claims first, then safe cells, cheapest first, then the others. */
export function inOrder(cells: readonly CellSummary[]): CellSummary[] {
  const weight = (cell: CellSummary): number =>
    cell.verdict.agreement === 'claim violated'
      ? -1
      : orderOfVerdicts.indexOf(cell.verdict.observed);
  const place = (cell: CellSummary): number => cell.ranks.contested?.place ?? cells.length + 1;
  return cells.toSorted(
    (a, b) =>
      weight(a) - weight(b) ||
      place(a) - place(b) ||
      a.strategy.name.localeCompare(b.strategy.name),
  );
}

/** The cells ranked in a phase, cheapest first. */
export function ranked(cells: readonly CellSummary[], phase: PhaseName): CellSummary[] {
  return cells
    .filter(cell => cell.ranks[phase])
    .toSorted((a, b) => (a.ranks[phase]?.place ?? 0) - (b.ranks[phase]?.place ?? 0));
}

/** The cells with findings of the audit, worst first. */
export function unsafe(cells: readonly CellSummary[]): CellSummary[] {
  return cells
    .filter(cell => (cell.observed?.findings ?? 0) > 0)
    .toSorted((a, b) => (b.observed?.keysHit ?? 0) - (a.observed?.keysHit ?? 0));
}

/** The result in one sentence; for a matrix, in counts. */
export function headline(summary: Summary): string {
  if (summary.end === 'interrupted' && summary.incomplete)
    return 'Interrupted: this result is incomplete and gives no verdict.';
  if (summary.end === 'broken off')
    return `Aborted: this result is incomplete and gives no verdict (${summary.brokenOff}).`;
  const several = placesOf(summary).length > 1;
  const names = (want: (cell: CellSummary) => boolean): string[] =>
    inOrder(summary.cells)
      .filter(want)
      .map(cell => (several ? `${cell.strategy.name} (${placeOf(cell)})` : cell.strategy.name));
  const isBroken = ({ verdict }: CellSummary): boolean => verdict.agreement === 'claim violated';
  const isStuck = ({ observed }: CellSummary): boolean => (observed?.stuck ?? 0) > 0;
  const stuck = names(cell => isBroken(cell) && isStuck(cell));
  const broken = names(cell => isBroken(cell) && !isStuck(cell));
  const open = names(cell => cell.verdict.agreement === 'not shown');
  const held = names(cell => cell.verdict.observed === 'safe' && cell.strategy.hazard === null);
  const failed = names(cell => cell.verdict.observed === 'unsafe');
  const against = [
    ...(broken.length > 0
      ? [
          `${list(broken)} let through what ${broken.length === 1 ? 'it claims' : 'they claim'} to prevent.`,
        ]
      : []),
    ...(stuck.length > 0 ? [`Left locked for good: keys of ${list(stuck)}.`] : []),
  ];
  if (against.length > 0) return against.join(' ');
  const unexplored = [...new Set(summary.explored.filter(hasNoVerdict).map(nameOfCell))];
  if (open.length === 0 && unexplored.length > 0)
    return `The load behaved as predicted; the orders of ${list(unexplored)} could not be judged.`;
  if (open.length > 0) return `Inconclusive for ${list(open)}; the others are as predicted.`;
  const safeCells = summary.cells.filter(cell => cell.verdict.observed === 'safe').length;
  if (several)
    return `${counted(safeCells, 'cell')} held and ${whole(failed.length)} failed, all as predicted.`;
  const safe = `${counted(held.length, 'strategy', 'strategies')} held`;
  return failed.length > 0
    ? `${safe}; ${list(failed)} failed, as predicted.`
    : `${safe}, as predicted.`;
}

/** The counts behind a verdict, with the bound if nothing was found. */
export function counts(cell: CellSummary): string {
  const { observed, verdict } = cell;
  if (!observed) return nothing;
  if (!observed.audited) return 'not audited';
  const { keysHit, keysHitElsewhere = 0, keys, keysTested, keysUnfilled } = observed;
  const unfilled = keysUnfilled > 0 ? ` (${whole(keysUnfilled)} of ${whole(keys)} unfilled)` : '';
  if (verdict.boundShare === undefined)
    return `${whole(keysHit - keysHitElsewhere)} of ${counted(keys, 'key')}${elsewhere(keysHitElsewhere)}${unfilled}`;
  return `0 of ${counted(keysTested, 'key')}, so < ${percent(verdict.boundShare)}${unfilled}`;
}

/** Keys of the warm-ups and of the phases without rivals: judged too, and no part of “k of n”. */
export function elsewhere(keys: number): string {
  return keys > 0 ? `, ${whole(keys)} elsewhere` : '';
}

/** The share of the commands on contested keys that met a rival. */
export function contention({ observed }: CellSummary): string {
  if (!observed || observed.commands === 0) return nothing;
  return percent(observed.commandsMet / observed.commands);
}

/** The share of the control’s keys that were violated: what this load can show at all. */
export function power({ observed, power: share }: CellSummary): string {
  return observed ? percent(share) : nothing;
}

/** "2. name"; "1.= name" for a place that others share. */
export function placed(cell: CellSummary, phase: PhaseName): string {
  const rank = cell.ranks[phase];
  return rank
    ? `${rank.place}.${rank.shared ? '=' : ''} ${cell.strategy.name}`
    : cell.strategy.name;
}

/** Every kind of violation except duplicates, with the number of keys. */
export function otherFindings(cell: CellSummary): string {
  const others = cell.findings.filter(one => one.kind !== 'duplicate');
  return others.length === 0
    ? nothing
    : others.map(one => `${one.kind} on ${counted(one.keys, 'key')}`).join(', ');
}

export function claimOf(cell: CellSummary): string {
  return `${cell.claimed.verdict}: ${becauseOf(cell)}`;
}

/** The reason for the claim; for a hazard claimed safe, also the events under which it is not. */
export function becauseOf({ claimed, strategy }: CellSummary): string {
  const { hazard } = strategy;
  if (claimed.verdict !== 'safe' || !hazard) return claimed.because;
  const when = hazard.under.length > 0 ? `with ${list(hazard.under)}` : 'without any event';
  return `${claimed.because}; a hazard ${when}, so not ranked`;
}

/** What it takes to introduce a strategy into a running system. */
export function adoption({ strategy }: CellSummary): readonly string[] {
  const { migration, everyWriterMustTakePart, newDependency, poolerSafe, retryNeeded } =
    strategy.adoption;
  return [
    migration === 'none' ? 'none' : migration,
    newDependency ?? 'none',
    everyWriterMustTakePart ? 'yes' : 'no',
    poolerSafe ? 'yes' : 'no',
    retryNeeded ? 'yes' : 'no',
  ];
}

export const adoptionTitles = [
  'Migration',
  'New dependency',
  'Every writer must take part',
  'Works behind a transaction pooler',
  'Callers must retry conflicts',
] as const;

/** Failed attempts, by code. */
export function incidents(cell: CellSummary, phase: PhaseName): string {
  const codes = Object.entries(cell.phases?.[phase].failures ?? {});
  return codes.length === 0
    ? nothing
    : codes.map(([code, count]) => `${code} ${whole(count)}`).join(', ');
}

/** Commands turned away as busy, failed or unknown, and keys left with capacity by that. */
export function turnedAway(cell: CellSummary, phase: PhaseName): string {
  const seen = cell.phases?.[phase];
  if (!seen) return nothing;
  const { busy, failed, unknown } = seen.outcomes;
  const told = Object.entries({ busy, failed, unknown }).filter(([, count]) => count > 0);
  const words = told.map(([outcome, count]) => `${whole(count)} ${outcome}`);
  if (seen.unfilled > 0) words.push(`${counted(seen.unfilled, 'key')} unfilled`);
  return words.length === 0 ? nothing : words.join(', ');
}

/** The command that reruns one strategy of this run, with the control. */
export function rerun(summary: Summary, cell: CellSummary): string {
  const { command } = summary;
  if (cell.strategy.source === 'outside' || command.includes('--strategy')) return command;
  const { scenario, variant, strategy } = cell;
  const one = `--scenario ${scenario} --variant ${variant} --strategy ${strategy.name}`;
  return command
    .replace(/ --(scenario|variant) \S+/g, '')
    .replace(
      ' -- ',
      ` -- ${command.includes('--scenario') ? one : `--strategy ${strategy.name}`} `,
    );
}

/** The strategies, scenarios and keys left out, by reason. */
export function leftOutNotes({ leftOut, cells }: Summary): readonly string[] {
  const reasons = [...new Set(leftOut.map(({ because }) => because))];
  return [
    ...reasons.map(reason => {
      const names = leftOut.filter(({ because }) => because === reason).map(({ name }) => name);
      return `Not in this run: ${list(names)}; ${reason}.`;
    }),
    ...sampledNote(
      cells.map(cell => ({
        cell: `${placeOf(cell)} ${cell.strategy.name}`,
        asked: cell.observed?.asked ?? 0,
        contested: cell.observed?.keys ?? 0,
      })),
    ),
  ];
}
