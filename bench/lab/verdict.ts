/** Compares the prediction with what the audit found. Pure; branches on facts, never on names. */
import type { Event, Prediction } from '../../src/contract/index.ts';
import { ruleOfThree } from './statistics.ts';

/** What was observed in one cell, over all repetitions. */
export interface Observation {
  /** Contested keys. */
  readonly keys: number;
  /** Of `keys`: at least as many commands were accepted as the key has capacity for. */
  readonly keysDecided: number;
  /** Of `keys`: commands of two actors ran at the same time, in two processes where there are several. */
  readonly keysOverlapped: number;
  /**
   * Of these: a command was accepted. Verdicts count these keys: callers contended and one got through,
   * even if the others were told busy and capacity was left.
   */
  readonly keysTested: number;
  /** Keys with capacity left where a caller was told busy, failed or unknown. */
  readonly keysUnfilled: number;
  /** Keys with a violation, in both phases. */
  readonly keysHit: number;
  /** Findings of the audit, in both phases, and stuck keys. */
  readonly findings: number;
  /** Of these: commands that were acknowledged but are missing. No race explains them. */
  readonly lostAcknowledgements: number;
  /** Turns that were lost, or whose end is unknown. */
  readonly turnsLost: number;
  /**
   * Contested keys that got one more command after the audit. Null if the run ended before; absent in
   * older runs, which asked nobody.
   */
  readonly asked?: number | null;
  /** Of these: still told busy when every lease had passed. Also among `keysHit` and `findings`. */
  readonly stuck: number;
  /** Of these: neither served nor told busy. */
  readonly unanswered: number;
  /** False if transactions were still open when the audit had to start. */
  readonly settled: boolean;
  /** False if the run ended before the audit of this cell. */
  readonly audited: boolean;
  /** False if the service counted fewer commands than it answered: a lost lease may be missing too. */
  readonly counted: boolean;
}

/** Whether the audit caught the violations of the control, a strategy without any protection. */
export type Control = 'seen' | 'not seen';

export interface CellVerdict {
  readonly observed: 'safe' | 'unsafe' | 'no claim' | 'inconclusive' | 'not offered';
  readonly because: string;
  /** `not provoked`: a hazard that needs an event load does not cause, so finding nothing says nothing. */
  readonly agreement:
    | 'as claimed'
    | 'claim violated'
    | 'not shown'
    | 'nothing claimed'
    | 'not provoked';
  /** Only for 0 of n: upper bound of the share of keys violated (95 % confidence). */
  readonly boundShare?: number;
}

/** A strategy that violates a fifth of the keys goes unnoticed on 20 keys once in 87 runs (0.8^20). */
export const keysMin = 20;

/** A strategy's deliberate flaw; null if it has none. */
type Flaw = { readonly under: readonly string[]; readonly cure: string } | null;

/** Compares the claim with the observation. `observed` is undefined if the cell was not run. */
export function verdictOf(
  claimed: Prediction,
  observed: Observation | undefined,
  control: Control,
  hazard: Flaw = null,
): CellVerdict {
  if (claimed.verdict === 'not offered')
    return { observed: 'not offered', because: claimed.because, agreement: 'nothing claimed' };
  if (!observed?.audited) return notShown('the run ended before this cell was audited');
  if (observed.findings > 0) return found(claimed, observed);
  if (!isProvokedByLoad(hazard)) return notProvoked(hazard);
  const missing = tooLittle(observed);
  switch (claimed.verdict) {
    case 'unsafe':
      return notShown(`the predicted violation was not observed (${claimed.because})`);
    case 'no claim':
      return { observed: 'no claim', because: claimed.because, agreement: 'nothing claimed' };
    case 'safe':
      if (missing) return notShown(missing);
      if (control === 'not seen')
        return notShown(
          'the audit did not see the control fail, so finding nothing proves nothing',
        );
      return {
        observed: 'safe',
        because: claimed.because,
        agreement: 'as claimed',
        boundShare: ruleOfThree(observed.keysTested),
      };
  }
}

/** A lost turn can let another caller in on the keys it covered: at most two, in any scenario. */
const keysPerTurnMax = 2;

/** Whether load on several processes is enough to provoke the hazard; true without a hazard. */
export function isProvokedByLoad(
  hazard: { readonly under: readonly string[] } | null | undefined,
): hazard is null | undefined {
  const { under = [] } = hazard ?? {};
  const caused: Event = 'several processes';
  return under.length === 0 || under.includes(caused);
}

function notProvoked({ under, cure }: NonNullable<Flaw>): CellVerdict {
  return {
    observed: 'inconclusive',
    because: `needs ${under.join(' or ')}, which load does not cause; explore it with ${cure}, its matched pair`,
    agreement: 'not provoked',
  };
}

function found(claimed: Prediction, observed: Observation): CellVerdict {
  const { keysHit, keys, lostAcknowledgements, turnsLost, counted, stuck, asked } = observed;
  const seen = `${keysHit} of ${keys} keys were violated`;
  if (stuck > 0 && claimed.verdict !== 'unsafe')
    return violated(
      `its lock was left behind: ${stuck} of ${asked ?? stuck} keys were still busy for a fresh command ` +
        'when every lease had passed',
    );
  if (lostAcknowledgements > 0)
    return violated(`${lostAcknowledgements} commands were acknowledged but are missing`);
  if (claimed.verdict === 'unsafe')
    return { observed: 'unsafe', because: claimed.because, agreement: 'as claimed' };
  if (!counted)
    return notShown(`${seen}, but the metrics may have missed an event that voids the claim`);
  if (claimed.verdict === 'safe') return violated(`${seen} though it claims safety`);
  return keysHit > turnsLost * keysPerTurnMax
    ? violated(`${seen}, more than ${turnsLost} lost turns can explain`)
    : { observed: 'no claim', because: claimed.because, agreement: 'nothing claimed' };
}

function violated(because: string): CellVerdict {
  return { observed: 'unsafe', because, agreement: 'claim violated' };
}

/** Why finding nothing would prove nothing; undefined if enough was observed. */
function tooLittle(observed: Observation): string | undefined {
  const { keys, keysDecided, keysOverlapped, keysTested, settled, counted } = observed;
  const { asked, unanswered } = observed;
  if (!settled) return 'transactions were still open when the audit had to start';
  if (!counted) return 'the metrics of the service miss commands that it answered';
  if (asked === null) return 'the run ended before its keys were asked again';
  if (unanswered > 0) return `${unanswered} keys that were asked again gave no answer`;
  return keysTested < keysMin
    ? `callers contended and one got through on only ${keysTested} of ${keys} keys; ${keysMin} are needed ` +
        `(${keysDecided} decided, ${keysOverlapped} overlapped)`
    : undefined;
}

function notShown(because: string): CellVerdict {
  return { observed: 'inconclusive', because, agreement: 'not shown' };
}

/** What happened in a cell, according to the service's counters. */
export interface CellCounters {
  readonly processes: number;
  readonly retriesAfterEffect: number;
  readonly leasesLost: number;
  readonly releases: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

/** The events that may void a claim, among those that load without faults can cause. */
export function eventsOf(counters: CellCounters): Event[] {
  const { processes, retriesAfterEffect, leasesLost, releases, failures } = counters;
  const events: Event[] = [];
  if (processes > 1) events.push('several processes');
  // which of the two it was follows from the strategy's turn; an unknown end may have been a loss
  const { lost = 0, unknown = 0 } = releases;
  if (lost + unknown + leasesLost + (failures['turn-lost'] ?? 0) > 0)
    events.push('lease lost', 'session lost');
  if (retriesAfterEffect > 0) events.push('retry after the effect');
  return events;
}
