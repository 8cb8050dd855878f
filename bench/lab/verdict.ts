/** The prediction beside what the audit found. Pure; it branches on facts, never on names. */
import type { Event, Prediction } from '../../src/contract/index.ts';
import { ruleOfThree } from './statistics.ts';

/** What was seen in one cell, all repetitions together. */
export interface Observation {
  /** Keys that somebody contended for. */
  readonly keys: number;
  /** Of `keys`: as many were accepted as there was room for, or more. */
  readonly keysDecided: number;
  /** Of `keys`: two actors were worked for at once, in two processes where there are several. */
  readonly keysOverlapped: number;
  /**
   * Of these: somebody was accepted. A verdict rests on them: rivals met and one got through, also
   * where the others were told busy and room was left.
   */
  readonly keysTested: number;
  /** Keys with room left where somebody was turned away as busy, failed or unknown. */
  readonly keysUnfilled: number;
  /** Keys with a violation, in both phases. */
  readonly keysHit: number;
  /** Findings of the audit, in both phases. */
  readonly findings: number;
  /** Of these: commands that were acknowledged and are not there. No race explains them. */
  readonly lostAcknowledgements: number;
  /** Turns that were lost, or whose end nobody knows. */
  readonly turnsLost: number;
  /** False while transactions were still open when the audit had to begin. */
  readonly settled: boolean;
  /** False where the run ended before the audit of this cell. */
  readonly audited: boolean;
  /** False where the service counted fewer commands than were answered: a lost lease may be missing. */
  readonly counted: boolean;
}

/** Whether the audit was seen to find what a strategy without any protection lets through. */
export type Control = 'seen' | 'not seen';

export interface CellVerdict {
  readonly observed: 'safe' | 'unsafe' | 'no claim' | 'inconclusive' | 'not offered';
  readonly because: string;
  /** `not provoked`: a hazard that needs what load does not bring; that load saw nothing is no news. */
  readonly agreement:
    | 'as claimed'
    | 'claim violated'
    | 'not shown'
    | 'nothing claimed'
    | 'not provoked';
  /** Only where 0 of n was seen: the share of keys that may still be hit (95 % confidence). */
  readonly boundShare?: number;
}

/** A strategy that broke a fifth of the keys would be missed in 20 keys once in 87 runs (0.8^20). */
export const keysMin = 20;

/** What is wrong with a strategy on purpose; null where nothing is. */
type Wrong = { readonly under: readonly string[]; readonly cure: string } | null;

/** Compares the claim with the observation. `observed` is undefined where the cell was not run. */
export function verdictOf(
  claimed: Prediction,
  observed: Observation | undefined,
  control: Control,
  hazard: Wrong = null,
): CellVerdict {
  if (claimed.verdict === 'not offered')
    return { observed: 'not offered', because: claimed.because, agreement: 'nothing claimed' };
  if (!observed?.audited) return notShown('the run ended before this cell was audited');
  if (observed.findings > 0) return found(claimed, observed);
  if (!isProvokedByLoad(hazard)) return notProvoked(hazard);
  const missing = tooLittle(observed);
  switch (claimed.verdict) {
    case 'unsafe':
      return notShown(`the predicted violation was not seen (${claimed.because})`);
    case 'no claim':
      return { observed: 'no claim', because: claimed.because, agreement: 'nothing claimed' };
    case 'safe':
      if (missing) return notShown(missing);
      if (control === 'not seen')
        return notShown('the control was not seen to fail, so seeing nothing here means nothing');
      return {
        observed: 'safe',
        because: claimed.because,
        agreement: 'as claimed',
        boundShare: ruleOfThree(observed.keysTested),
      };
  }
}

/** One lost turn can let somebody in on the keys that it held: two at most, in any scenario. */
const keysPerTurnMax = 2;

/** Whether load on several processes is enough to bring out what is wrong; true where nothing is. */
export function isProvokedByLoad(
  hazard: { readonly under: readonly string[] } | null | undefined,
): hazard is null | undefined {
  const { under = [] } = hazard ?? {};
  const brought: Event = 'several processes';
  return under.length === 0 || under.includes(brought);
}

function notProvoked({ under, cure }: NonNullable<Wrong>): CellVerdict {
  return {
    observed: 'inconclusive',
    because: `needs ${under.join(' or ')}, which load does not bring: seen beside ${cure}, its matched pair`,
    agreement: 'not provoked',
  };
}

function found(claimed: Prediction, observed: Observation): CellVerdict {
  const { keysHit, keys, lostAcknowledgements, turnsLost, counted } = observed;
  const seen = `${keysHit} of ${keys} keys were violated`;
  if (lostAcknowledgements > 0)
    return violated(`${lostAcknowledgements} commands were acknowledged and are not there`);
  if (claimed.verdict === 'unsafe')
    return { observed: 'unsafe', because: claimed.because, agreement: 'as claimed' };
  if (!counted) return notShown(`${seen}, and the metrics may have missed what voids the claim`);
  if (claimed.verdict === 'safe') return violated(`${seen} though it claims safety`);
  return keysHit > turnsLost * keysPerTurnMax
    ? violated(`${seen}, more than ${turnsLost} lost turns explain`)
    : { observed: 'no claim', because: claimed.because, agreement: 'nothing claimed' };
}

function violated(because: string): CellVerdict {
  return { observed: 'unsafe', because, agreement: 'claim violated' };
}

/** Why seeing nothing would say nothing; undefined where enough was observed. */
function tooLittle(observed: Observation): string | undefined {
  const { keys, keysDecided, keysOverlapped, keysTested, settled, counted } = observed;
  if (!settled) return 'transactions were still open when the audit had to begin';
  if (!counted) return 'the metrics of the service miss commands that were answered';
  return keysTested < keysMin
    ? `rivals met and one got through on only ${keysTested} of ${keys} keys, and ${keysMin} are needed ` +
        `(${keysDecided} decided, ${keysOverlapped} overlapped)`
    : undefined;
}

function notShown(because: string): CellVerdict {
  return { observed: 'inconclusive', because, agreement: 'not shown' };
}

/** What the service's counters say happened in a cell. */
export interface CellCounters {
  readonly processes: number;
  readonly retriesAfterEffect: number;
  readonly leasesLost: number;
  readonly releases: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

/** The events that may void a claim, as far as load without faults can bring them about. */
export function eventsOf(counters: CellCounters): Event[] {
  const { processes, retriesAfterEffect, leasesLost, releases, failures } = counters;
  const events: Event[] = [];
  if (processes > 1) events.push('several processes');
  // whose loss it was, the class of the strategy's turn says; what is not known may have been one
  const { lost = 0, unknown = 0 } = releases;
  if (lost + unknown + leasesLost + (failures['turn-lost'] ?? 0) > 0)
    events.push('lease lost', 'session lost');
  if (retriesAfterEffect > 0) events.push('retry after the effect');
  return events;
}
