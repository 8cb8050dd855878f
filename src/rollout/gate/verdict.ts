/** What the evidence says of a rollout. Pure: it is read, and written down, in gate.ts. */
import type { Arm, ArmCounts } from './arms.ts';
import {
  type Block,
  type Count,
  type Evidence,
  eValueOf,
  noEvidence,
  weighed,
} from './comparison.ts';
import { beyond, quantileOf, secondsOf, stepsOf, totalOf } from './durations.ts';
import { boundOf } from './exposure.ts';
import type { GateSettings } from './settings.ts';

/** As Argo Rollouts names them. */
export const verdictNames = ['Successful', 'Failed', 'Inconclusive'] as const;
export type VerdictName = (typeof verdictNames)[number];

export interface Reason {
  readonly criterion: 'violations' | 'exposure' | 'comparison' | 'gate';
  readonly verdict: VerdictName;
  readonly says: string;
  /** Where to look, on the service. */
  readonly evidence?: string;
}

export interface Verdict {
  readonly verdict: VerdictName;
  readonly reasons: readonly Reason[];
}

/** The durations beyond the old arm's median and 95th percentile, and the ends that are no decision. */
const criteria = ['median', 'slowest', 'busy', 'failed', 'unknown'] as const;
type Criterion = (typeof criteria)[number];

/** What has been compared until now, in steps: it is kept, so that each look bets only on what comes. */
export interface Compared {
  /** The counts of the last look that was a block. */
  readonly seen: Readonly<Partial<Record<Arm, Counts>>>;
  readonly evidence: Readonly<Record<Criterion, Evidence>>;
}

type Counts = Pick<ArmCounts, 'drawn' | 'busy' | 'failed' | 'unknown' | 'durations'>;
type ByArm = ReadonlyMap<string, ArmCounts>;

/** The mean of all criteria must exceed this: it does so by chance in one rollout of 20 at most. */
export const eValueMax = 20;

export const nothingCompared: Compared = {
  seen: {},
  evidence: {
    ...{ median: noEvidence, slowest: noEvidence },
    ...{ busy: noEvidence, failed: noEvidence, unknown: noEvidence },
  },
};

/** With what has come since the last look; unchanged until there is something of both arms. */
export function comparedWith(before: Compared, arms: ByArm, settings: GateSettings): Compared {
  const [old, now] = [arms.get('old'), arms.get('new')];
  if (!old || !now) return before;
  const since = { old: minus(old, before.seen.old), new: minus(now, before.seen.new) };
  if (since.old.drawn <= 0 || since.new.drawn <= 0) return before;
  const blockOf = (criterion: 'busy' | 'failed' | 'unknown'): Block => ({
    old: { hits: since.old[criterion], all: since.old.drawn },
    new: { hits: since.new[criterion], all: since.new.drawn },
  });
  const { evidence } = before;
  const slower = (share: number, was: Evidence): Evidence => {
    // the threshold comes from what was seen before: chosen from this block it would be no bet
    const step = quantileOf(before.seen.old?.durations ?? [], share);
    if (step === undefined) return was;
    const allowed = step + stepsOf(settings.slower);
    const count = ({ durations }: Counts, from: number): Count => ({
      hits: beyond(durations, from),
      all: totalOf(durations),
    });
    return weighed(was, { old: count(since.old, step), new: count(since.new, allowed) });
  };
  return {
    seen: { old: countsOf(old), new: countsOf(now) },
    evidence: {
      median: slower(0.5, evidence.median),
      slowest: slower(0.95, evidence.slowest),
      busy: weighed(evidence.busy, blockOf('busy'), settings.busy),
      failed: weighed(evidence.failed, blockOf('failed'), settings.failed),
      unknown: weighed(evidence.unknown, blockOf('unknown'), settings.unknown),
    },
  };
}

/** An e-value against "the new one is no worse in any way": the mean of e-values is one. */
export function eValueOfAll({ evidence }: Compared): number {
  return criteria.reduce((sum, name) => sum + eValueOf(evidence[name]), 0) / criteria.length;
}

/** Failed if anything has failed, and Successful only if nothing is left to be seen. */
export function verdictOf(arms: ByArm, compared: Compared, settings: GateSettings): Verdict {
  const reasons = [exposure(arms.get('new'), settings), comparison(arms, compared, settings)];
  return { verdict: worstOf(reasons), reasons };
}

export function worstOf(reasons: readonly Reason[]): VerdictName {
  const has = (name: VerdictName): boolean => reasons.some(({ verdict }) => verdict === name);
  if (has('Failed')) return 'Failed';
  return has('Inconclusive') || reasons.length === 0 ? 'Inconclusive' : 'Successful';
}

function exposure(now: ArmCounts | undefined, { contestedKeys }: GateSettings): Reason {
  const { clean = 0, contested = 0 } = now ?? {};
  const enough = clean >= contestedKeys;
  return {
    criterion: 'exposure',
    verdict: enough ? 'Successful' : 'Inconclusive',
    says:
      `${clean} contested keys of the new strategy audited without a violation, at most one a second ` +
      `(of ${contested} contested): at most ${percent(boundOf(clean))} of such keys show one, at 95 %` +
      (enough ? '' : `; ${contestedKeys} are needed`),
  };
}

function comparison(arms: ByArm, compared: Compared, { commands }: GateSettings): Reason {
  const value = eValueOfAll(compared);
  const [worst] = [...criteria].sort(
    (a, b) => eValueOf(compared.evidence[b]) - eValueOf(compared.evidence[a]),
  );
  const told = worst ? said(worst, arms, compared.evidence[worst]) : '';
  const { old, new: now } = compared.evidence.busy;
  const few = Math.min(old.all, now.all) < commands;
  if (value >= eValueMax)
    return {
      criterion: 'comparison',
      verdict: 'Failed',
      says: `worse: ${told} (e-value ${round(value)})`,
    };
  return {
    criterion: 'comparison',
    verdict: few ? 'Inconclusive' : 'Successful',
    says: few
      ? `${old.all} commands of the old strategy and ${now.all} of the new one compared, one per key and ` +
        `second; ${commands} of each are needed`
      : `no worse by ${now.all} commands beside ${old.all}; nearest to it: ${told} (e-value ${round(value)} of ${eValueMax})`,
  };
}

function said(criterion: Criterion, arms: ByArm, { old, new: now }: Evidence): string {
  if (criterion === 'busy' || criterion === 'failed' || criterion === 'unknown')
    return `${criterion} end ${percent(share(now))} of its commands, ${percent(share(old))} of the old one's`;
  const at = criterion === 'median' ? 0.5 : 0.95;
  const [before, after] = (['old', 'new'] as const).map(arm => {
    const step = quantileOf(arms.get(arm)?.durations ?? [], at);
    return step === undefined ? '–' : `${round(1_000 * secondsOf(step))} ms`;
  });
  return `${criterion === 'median' ? 'the median' : 'the 95th percentile'} takes ${after}, ${before} under the old one`;
}

function minus(now: Counts, before: Counts | undefined): Counts {
  if (!before) return countsOf(now);
  return {
    drawn: now.drawn - before.drawn,
    busy: now.busy - before.busy,
    failed: now.failed - before.failed,
    unknown: now.unknown - before.unknown,
    durations: now.durations.map((count, step) => count - (before.durations[step] ?? 0)),
  };
}

function countsOf({ drawn, busy, failed, unknown, durations }: Counts): Counts {
  return { drawn, busy, failed, unknown, durations };
}

const share = ({ hits, all }: Count): number => (all === 0 ? 0 : hits / all);
const percent = (value: number): string => `${round(100 * value)} %`;
const round = (value: number): string => String(Number(value.toPrecision(3)));
