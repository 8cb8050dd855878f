/** Which commands met, from the histories that the processes of the service write. */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { waitMs } from '../lab/wait.ts';

const line = z.object({
  scenario: z.string(),
  strategy: z.string(),
  key: z.string(),
  commandId: z.string(),
  caller: z.string(),
  askedUs: z.number(),
  decidedUs: z.tuple([z.number(), z.number()]).nullable(),
  endedUs: z.number(),
  outcome: z.string(),
});

export type HistoryLine = z.infer<typeof line>;

/** What met in one cell. */
export interface Meetings {
  /** Keys that commands of two callers were sent to. */
  readonly keys: number;
  /** Of these: a command was accepted while one of another caller was worked on. */
  readonly keysTested: number;
  /** Keys on which two callers were between deciding read and COMMIT at the same time. */
  readonly keysDecidedTogether: number;
  /** Commands on `keys`, and how many met a command of another caller. */
  readonly commands: number;
  readonly commandsMet: number;
}

/** Judges the commands of one cell. Two commands of one caller do not meet. Pure. */
export function meetingsOf(lines: readonly HistoryLine[]): Meetings {
  const byKey = new Map<string, HistoryLine[]>();
  for (const one of lines) byKey.set(one.key, [...(byKey.get(one.key) ?? []), one]);
  const contended = [...byKey.values()].filter(some => new Set(some.map(callerOf)).size > 1);
  let [keysTested, keysDecidedTogether, commands, commandsMet] = [0, 0, 0, 0];
  for (const some of contended) {
    const met = metAmong(some, ({ askedUs, endedUs }) => [askedUs, endedUs]);
    const decided = metAmong(some, ({ decidedUs }) => decidedUs ?? undefined);
    commands += some.length;
    commandsMet += met.size;
    if ([...met].some(one => one.outcome === 'accepted')) keysTested += 1;
    if (decided.size > 0) keysDecidedTogether += 1;
  }
  return { keys: contended.length, keysTested, keysDecidedTogether, commands, commandsMet };
}

/** A command without a caller's name is a caller of its own. */
const callerOf = ({ caller, commandId }: HistoryLine): string => caller || commandId;

type Span = readonly [from: number, until: number];

/** The commands whose span overlaps that of another caller: one pass over the begins and ends. */
function metAmong(
  commands: readonly HistoryLine[],
  spanOf: (one: HistoryLine) => Span | undefined,
): ReadonlySet<HistoryLine> {
  const spans = commands.flatMap(one => {
    const span = spanOf(one);
    return span ? [{ one, from: span[0], until: span[1] }] : [];
  });
  const met = new Set<HistoryLine>();
  let open: typeof spans = [];
  for (const next of spans.toSorted((a, b) => a.from - b.from)) {
    open = open.filter(({ until }) => until > next.from);
    for (const { one } of open)
      if (callerOf(one) !== callerOf(next.one)) met.add(one).add(next.one);
    open.push(next);
  }
  return met;
}

const settleMs = 2_000;
const lookMs = 50;
const chunkBytes = 1_024 * 1_024;
/** Beyond this a cell has no history: it would not fit into memory. */
const linesMax = 2_000_000;

/** Reads the histories in one folder; each call goes on where the one before ended. */
export class HistoryReader {
  readonly #folder: string;
  readonly #read = new Map<string, { at: number; rest: string }>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * The commands that ended since the last call. Their lines are written just after their answers
   * have left: waits for `least` of them, two seconds at most. Undefined if lines are missing.
   */
  async next(
    { scenario, strategy }: Pick<HistoryLine, 'scenario' | 'strategy'>,
    least: number,
    signal: AbortSignal,
  ): Promise<readonly HistoryLine[] | undefined> {
    const lastMs = performance.now() + settleMs;
    const lines: HistoryLine[] = [];
    for (;;) {
      for (const one of await this.#grown())
        if (one.scenario === scenario && one.strategy === strategy) lines.push(one);
      if (lines.length >= least || performance.now() > lastMs || lines.length > linesMax) break;
      await waitMs(lookMs, signal);
    }
    return lines.length >= least && lines.length <= linesMax ? lines : undefined;
  }

  async #grown(): Promise<HistoryLine[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const found: HistoryLine[] = [];
    for (const name of names) found.push(...(await this.#grownIn(name)));
    return found;
  }

  async #grownIn(name: string): Promise<HistoryLine[]> {
    const seen = this.#read.get(name) ?? { at: 0, rest: '' };
    this.#read.set(name, seen);
    const file = await open(join(this.#folder, name), 'r');
    try {
      const buffer = Buffer.alloc(chunkBytes);
      const found: HistoryLine[] = [];
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, chunkBytes, seen.at);
        if (bytesRead === 0) return found;
        seen.at += bytesRead;
        const lines = (seen.rest + buffer.toString('latin1', 0, bytesRead)).split('\n');
        seen.rest = lines.pop() ?? '';
        for (const text of lines) found.push(line.parse(JSON.parse(text)));
      }
    } finally {
      await file.close();
    }
  }
}
