/**
 * What was recorded of single strategies for their pages: the messages of one command, taken from raw runs
 * of `faults`, and the shortest violating orders, taken from `explore-strategies --json`. Pure.
 */
import { z } from 'zod';
import { exploredCell } from '../explore/schema.ts';
import type { FaultCell, FaultsRun } from '../faults/schema.ts';

export const recordsFormat = 'lockstep strategy records';
export const recordsVersion = 1;

const message = z.strictObject({
  store: z.enum(['postgres', 'redis']),
  /** `node 1` where there are several. */
  connection: z.string(),
  text: z.string(),
});

const sent = z.strictObject({
  strategy: z.string(),
  /** `scenario/variant`. */
  place: z.string(),
  messages: z.array(message).min(1),
});

const counterexample = z.strictObject({
  strategy: z.string(),
  place: z.string(),
  round: z.string(),
  why: z.string(),
  timeline: z.string(),
});

export const recordsSchema = z.strictObject({
  format: z.literal(recordsFormat),
  version: z.literal(recordsVersion),
  sent: z.array(sent),
  counterexamples: z.array(counterexample),
});

/** How `docs/runs/strategies.json` is read. */
export const recordsFile = {
  format: recordsFormat,
  version: recordsVersion,
  shape: recordsSchema,
};

export type StrategyRecords = z.infer<typeof recordsSchema>;
type Sent = StrategyRecords['sent'][number];
type Counterexample = StrategyRecords['counterexamples'][number];

/** What `explore-strategies --json` prints. */
export const explorationSchema = z.object({
  format: z.literal('lockstep exploration'),
  cells: z.array(exploredCell),
});

/** Those of another run replace what is known of the same strategies. */
export function withSent(records: StrategyRecords, run: FaultsRun): StrategyRecords {
  const names = [...new Set(run.cells.map(({ strategy }) => strategy))];
  const found = names.flatMap(name => sentIn(run, name) ?? []);
  const kept = records.sent.filter(one => !found.some(({ strategy }) => strategy === one.strategy));
  return { ...records, sent: byName([...kept, ...found]) };
}

/** The messages up to the strike, where a command was struck as late as it can be. */
function sentIn(run: FaultsRun, strategy: string): Sent | undefined {
  const all = run.cells
    .filter(cell => cell.strategy === strategy && cell.state === 'struck')
    .map(messagesBefore)
    .toSorted((a, b) => b.length - a.length);
  const [messages] = all;
  if (!messages || messages.length === 0) return undefined;
  return { strategy, place: `${run.scenario}/${run.variant}`, messages };
}

function messagesBefore({ wire, marks }: FaultCell): Sent['messages'] {
  const until = marks?.injectedMs ?? Number.POSITIVE_INFINITY;
  return wire
    .filter(({ side, atMs }) => side === 'request' && atMs <= until)
    .map(({ store, connection, text }) => ({
      store,
      connection: /^node \d+/.exec(connection)?.[0] ?? store,
      text: text.replace(/\s+/g, ' '),
    }));
}

/** The shortest of each strategy and place. */
export function withCounterexamples(
  records: StrategyRecords,
  { cells }: z.infer<typeof explorationSchema>,
): StrategyRecords {
  const found = cells.flatMap((cell): Counterexample[] => {
    const [strategy = ''] = cell.strategies;
    const alike = cell.strategies.every(name => name === strategy);
    if (!cell.counterexample || !alike) return [];
    const place = `${cell.scenario}/${cell.variant}`;
    const { timeline } = cell.counterexample;
    return [{ strategy, place, round: cell.round, why: cell.why, timeline }];
  });
  const isNew = (one: Counterexample): boolean =>
    found.some(({ strategy, place }) => strategy === one.strategy && place === one.place);
  const all = [...records.counterexamples.filter(one => !isNew(one)), ...found];
  const shortest = all.filter(one =>
    all.every(
      other =>
        other === one ||
        other.strategy !== one.strategy ||
        other.place !== one.place ||
        linesOf(other) > linesOf(one) ||
        (linesOf(other) === linesOf(one) && all.indexOf(other) > all.indexOf(one)),
    ),
  );
  return { ...records, counterexamples: byName(shortest) };
}

const linesOf = ({ timeline }: Counterexample): number => timeline.split('\n').length;

function byName<T extends { readonly strategy: string; readonly place: string }>(all: T[]): T[] {
  return all.toSorted(
    (a, b) => a.strategy.localeCompare(b.strategy) || a.place.localeCompare(b.place),
  );
}

/** One record per line, so that the diff of a new run shows what changed. */
export function recordsText(records: StrategyRecords): string {
  const { format, version, sent, counterexamples } = recordsSchema.parse(records);
  const lines = (all: readonly object[]): string =>
    `[\n${all.map(one => `  ${JSON.stringify(one)}`).join(',\n')}\n ]`;
  return (
    `{\n "format": ${JSON.stringify(format)},\n "version": ${version},\n "sent": ${lines(sent)},\n ` +
    `"counterexamples": ${lines(counterexamples)}\n}\n`
  );
}

export const noRecords: StrategyRecords = {
  format: recordsFormat,
  version: recordsVersion,
  sent: [],
  counterexamples: [],
};
