/** Alternatives measured in turn; what counts is their ratio within a repetition. */
import { errorMessage } from '../../src/error-message.ts';
import { shuffled } from '../lab/random.ts';
import type { ContestResult, Target } from './schema.ts';

/** One of the alternatives. */
export interface Entry {
  readonly name: string;
  /** Runs for about `seconds` and returns a figure in the contest's unit; rejects if it cannot run. */
  measure(seconds: number): Promise<number>;
}

export interface Contest {
  readonly title: string;
  readonly unit: string;
  /** The entry that ratios refer to. */
  readonly baseline: string;
  readonly entries: readonly Entry[];
  readonly targets: readonly Target[];
  /** Explanations for the reader. */
  readonly notes: readonly string[];
}

interface Open {
  close(): Promise<void>;
}

/** An entry that holds connections or processes, until `close`. */
export type OpenEntry = Entry & Open;
/** A contest of such entries. */
export type OpenContest = Contest & Open;

export async function closeAll(entries: readonly Open[]): Promise<void> {
  for (const entry of entries) await entry.close();
}

/** Code that has run only a few hundred times is not fully optimized yet. */
const warmUpSeconds = 1.5;

/** The time of one entry, without what it opens. */
export function entrySeconds({
  repetitions,
  seconds,
}: {
  readonly repetitions: number;
  readonly seconds: number;
}): number {
  return warmUpSeconds + repetitions * seconds;
}

/** Measures all entries after a warm-up of each, in a new random order per repetition. */
export async function held(
  contest: Contest,
  options: {
    readonly repetitions: number;
    readonly seconds: number;
    readonly random: () => number;
    readonly step: (what: string) => void;
    readonly signal: AbortSignal;
  },
): Promise<ContestResult> {
  const failed: Record<string, string> = {};
  const measure = async (entry: Entry, seconds: number): Promise<number | undefined> => {
    options.signal.throwIfAborted();
    if (Object.hasOwn(failed, entry.name)) return undefined;
    try {
      const figure = await entry.measure(seconds);
      if (Number.isFinite(figure)) return figure;
      failed[entry.name] = 'nothing was measured';
    } catch (error) {
      failed[entry.name] = errorMessage(error);
    }
    return undefined;
  };
  for (const entry of contest.entries) await measure(entry, warmUpSeconds);
  const repetitions: Record<string, number>[] = [];
  for (let repetition = 1; repetition <= options.repetitions; repetition += 1) {
    options.step(`${contest.title}, repetition ${repetition} of ${options.repetitions}`);
    const figures: Record<string, number> = {};
    for (const entry of shuffled(contest.entries, options.random)) {
      const figure = await measure(entry, options.seconds);
      if (figure !== undefined) figures[entry.name] = figure;
    }
    repetitions.push(figures);
  }
  const { title, unit, baseline, targets, notes } = contest;
  const entries = contest.entries.map(entry => entry.name);
  return { title, unit, baseline, targets, notes, entries, repetitions, failed };
}

/** Runs `work` with `inFlight` at a time, one after another in each lane, until the time is up. */
export async function perSecond(
  inFlight: number,
  seconds: number,
  work: (lane: number) => Promise<unknown>,
): Promise<number> {
  const startMs = performance.now();
  const lastMs = startMs + seconds * 1_000;
  let done = 0;
  const lane = async (index: number): Promise<void> => {
    while (performance.now() < lastMs) {
      await work(index);
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, (_, index) => lane(index)));
  return done / ((performance.now() - startMs) / 1_000);
}

/** The figures of an entry, one per repetition that has it. */
export function figuresOf(result: ContestResult, of: string): number[] {
  return result.repetitions.flatMap(figures => figures[of] ?? []);
}

/** Ratios of two entries, one per repetition that has both. */
export function ratiosOf(result: ContestResult, of: string, against: string): number[] {
  return result.repetitions.flatMap(figures => {
    const [a, b] = [figures[of], figures[against]];
    return a !== undefined && b !== undefined && b > 0 ? [a / b] : [];
  });
}
