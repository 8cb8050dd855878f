import { z } from 'zod';
import type { Rollout } from '../rollouts.ts';
import { again, type RunSql } from '../run-sql.ts';
import { dividedName } from '../shadow.ts';
import type { ArmCounts } from './arms.ts';
import {
  addCounts,
  firstViolation,
  replaceVerdict,
  selectCounts,
  selectVerdict,
  storeVerdict,
} from './gate-schema.ts';
import type { ArmTally } from './tally.ts';
import {
  type Compared,
  comparedWith,
  nothingCompared,
  type Reason,
  type Verdict,
  verdictOf,
} from './verdict.ts';

export interface GateOptions {
  /** Runs one statement within a bound. */
  readonly runSql: RunSql;
  /** The name of the strategy in which the new lock is tried under the old one. */
  readonly shadowOf: (from: string, to: string) => string;
  readonly now?: () => number;
}

/** The last look, as any process may tell it. */
export interface Told extends Verdict {
  readonly at: Date | null;
}

interface Look extends Verdict {
  readonly looks: string;
  readonly compared: unknown;
  readonly at: Date;
  readonly ageSeconds: number;
}

const lookEveryMs = 1_000;
const rolloutsMax = 100;
/** Nobody has looked for so long: what was seen then says nothing of now. */
const staleSeconds = 15;

const count = z.object({ hits: z.number(), all: z.number() });
const evidence = z.object({ old: count, new: count, logs: z.array(z.number()) });
const counts = z.object({
  ...{ drawn: z.number(), busy: z.number(), failed: z.number(), unknown: z.number() },
  durations: z.array(z.number()),
});
const comparedShape = z.object({
  seen: z.object({ old: counts.exactOptional(), new: counts.exactOptional() }),
  evidence: z.object({
    ...{ median: evidence, slowest: evidence },
    ...{ busy: evidence, failed: evidence, unknown: evidence },
  }),
});

/**
 * The gate of rollouts. Every process adds what it counts; the one that drives looks, once a second, and
 * writes down what it sees, so that all tell the same and the next one goes on from there.
 */
export class Gate {
  readonly #options: GateOptions;
  readonly #looked = new Map<string, { readonly atMs: number; readonly verdict: Verdict }>();

  constructor(options: GateOptions) {
    this.#options = { ...options, runSql: again(options.runSql) };
  }

  /** Adds what this process has counted. */
  async add(tallies: readonly ArmTally[]): Promise<void> {
    for (const tally of tallies) {
      const { rollout, arm, commands, drawn, busy, failed, unknown, durations } = tally;
      const { contested, audited, tries, candidate } = tally;
      await this.#options.runSql(addCounts, [
        ...[rollout, arm, commands, drawn, busy, failed, unknown, durations],
        ...[contested, audited, JSON.stringify(tries), candidate],
      ]);
    }
  }

  /** For the one that drives. A violation is seen at each call, the rest once a second. */
  async look(rollout: Rollout): Promise<Verdict> {
    const violated = await this.#violation(rollout);
    const known = this.#looked.get(rollout.id);
    const nowMs = (this.#options.now ?? (() => performance.now()))();
    if (!violated && known && nowMs - known.atMs < lookEveryMs) return known.verdict;
    const verdict = await this.#lookAnew(rollout, violated);
    if (this.#looked.size >= rolloutsMax) this.#looked.clear(); // of those that are over
    this.#looked.set(rollout.id, { atMs: nowMs, verdict });
    return verdict;
  }

  /** What the one that drives saw last. */
  async last(rollout: Rollout): Promise<Told> {
    const [look] = await this.#options.runSql<Look>(selectVerdict, [rollout.id]);
    if (!look) return { ...notLooked('nobody has looked yet'), at: null };
    const { verdict, reasons, at, ageSeconds } = look;
    const runs = rollout.stage === 'progressing' || rollout.stage === 'paused';
    if (runs && verdict !== 'Failed' && ageSeconds > staleSeconds)
      return { ...notLooked(`nobody has looked for ${Math.round(ageSeconds)} s`), at };
    return { verdict, reasons, at };
  }

  counts({ id }: Pick<Rollout, 'id'>): Promise<readonly ArmCounts[]> {
    return this.#options.runSql<ArmCounts>(selectCounts, [id]);
  }

  async #lookAnew(rollout: Rollout, violated: Reason | undefined): Promise<Verdict> {
    const { runSql } = this.#options;
    const arms = new Map((await this.counts(rollout)).map(counts => [counts.arm, counts]));
    const [before] = await runSql<Look>(selectVerdict, [rollout.id]);
    const compared: Compared = comparedWith(
      before ? comparedShape.parse(before.compared) : nothingCompared,
      arms,
      rollout.gate,
    );
    const seen = verdictOf(arms, compared, rollout.gate);
    const verdict: Verdict = violated
      ? { verdict: 'Failed', reasons: [violated, ...seen.reasons] }
      : seen;
    await runSql(before ? replaceVerdict : storeVerdict, [
      ...[rollout.id, before?.looks ?? '0', JSON.stringify(compared)],
      ...[verdict.verdict, JSON.stringify(verdict.reasons)],
    ]);
    return verdict;
  }

  async #violation({ scenario, from, to, startedAt }: Rollout): Promise<Reason | undefined> {
    const divided = dividedName(from, to);
    const values = [scenario, startedAt, to, this.#options.shadowOf(from, to), divided];
    const [found] = await this.#options.runSql<{ says: string; strategy: string }>(
      firstViolation,
      values,
    );
    if (!found) return undefined;
    const { says, strategy } = found;
    const query = new URLSearchParams({ scenario, strategy });
    const link = `/admin/violations?${query}`;
    return { criterion: 'violations', verdict: 'Failed', says, evidence: link };
  }
}

function notLooked(says: string): Verdict {
  return {
    verdict: 'Inconclusive',
    reasons: [{ criterion: 'gate', verdict: 'Inconclusive', says }],
  };
}
