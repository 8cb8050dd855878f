import { lostText } from './compare.ts';
import { textOf } from './program.ts';
import type { Trial, Tried } from './run.ts';

/** One line per program; with details if an outcome was lost or the comparison is unclear. */
export function lineOf({ number, compared, seconds }: Tried, verbose = false): string {
  const { kind, unreduced, reduced, why, program } = compared;
  const counts = `${unreduced.orders} → ${reduced?.orders ?? '–'} (+${reduced?.pruned ?? 0})`;
  const outcomes = `${unreduced.outcomes.size} outcomes`;
  const head = `${number} ${kind} ${counts}, ${outcomes}, ${seconds.toFixed(1)} s`;
  if (kind === 'lost') return `${head}\n${lostText(compared)}`;
  if (kind === 'unclear') return `${head}: ${why}\n${textOf(program)}`;
  return verbose ? `${head}\n${textOf(program)}` : `${head} ${program.theme}`;
}

export function summaryOf(all: readonly Tried[]): string {
  const { equal, lost, skipped, unclear, orders, reduced, pruned, seconds } = sumsOf(all);
  return (
    `${all.length} programs: ${equal} equal, ${lost} lost, ${skipped} too large, ${unclear} unclear; ` +
    `${orders} orders unreduced, ${reduced} reduced and ${pruned} abandoned; ${seconds} s`
  );
}

/** The figures of a run, for the result file. */
export function resultOf({ seed, ordersMax }: Trial, all: readonly Tried[]): object {
  const programs = all.map(({ number, compared, seconds }) => ({
    number,
    theme: compared.program.theme,
    callers: compared.program.callers.length,
    event: compared.program.event ?? 'none',
    kind: compared.kind,
    orders: compared.unreduced.orders,
    reduced: compared.reduced?.orders ?? null,
    pruned: compared.reduced?.pruned ?? null,
    outcomes: compared.unreduced.outcomes.size,
    seconds: Number(seconds.toFixed(1)),
  }));
  return { format: 'lockstep reduction', version: 1, seed, ordersMax, ...sumsOf(all), programs };
}

function sumsOf(all: readonly Tried[]) {
  const of = (kind: string): number => all.filter(({ compared }) => compared.kind === kind).length;
  const judged = all.filter(
    ({ compared }) => compared.kind === 'equal' || compared.kind === 'lost',
  );
  const sum = (items: readonly Tried[], value: (tried: Tried) => number): number =>
    items.reduce((total, one) => total + value(one), 0);
  return {
    equal: of('equal'),
    lost: of('lost'),
    skipped: of('skipped'),
    unclear: of('unclear'),
    orders: sum(judged, ({ compared }) => compared.unreduced.orders),
    reduced: sum(judged, ({ compared }) => compared.reduced?.orders ?? 0),
    pruned: sum(judged, ({ compared }) => compared.reduced?.pruned ?? 0),
    seconds: Math.round(sum(all, ({ seconds }) => seconds)),
  };
}
