/** Compares the prediction with what the audit found. Pure; branches on facts, never on names. */
import type { Event } from '../../src/contract/index.ts';
import { askedMax } from './asked.ts';
import type { Claim } from './shapes.ts';
import { designEffect, ruleOfThree } from './statistics.ts';

/** What was observed in one cell, over all repetitions. */
export interface Observation {
  /** Contested keys. */
  readonly keys: number;
  /** Commands on them, and how many met a command of a rival on the same key. */
  readonly commands: number;
  readonly commandsMet: number;
  /** Of `keys`: at least as many commands were accepted as the key has capacity for. */
  readonly keysDecided: number;
  /** Of `keys`: commands of two actors ran at the same time, in two processes where there are several. */
  readonly keysOverlapped: number;
  /**
   * Of these: a command was accepted. Verdicts count these keys: callers contended and one got through,
   * even if the others were told busy and capacity was left.
   */
  readonly keysTested: number;
  /** Keys on which two callers were between deciding read and COMMIT at the same time. */
  readonly keysDecidedTogether: number;
  /** Keys with capacity left where a caller was told busy, failed or unknown. */
  readonly keysUnfilled: number;
  /** Keys with a violation, in all phases. */
  readonly keysHit: number;
  /** Of these: keys of the warm-ups and of the phases without rivals, so not among `keys`. */
  readonly keysHitElsewhere?: number;
  /** Findings of the audit, in all phases, and stuck keys. */
  readonly findings: number;
  /** Of these: commands that were acknowledged but are missing. No race explains them. */
  readonly lostAcknowledgements: number;
  /** Turns that were lost, or whose end is unknown. */
  readonly turnsLost: number;
  /** Commands that sent something outside the database and did not commit. */
  readonly effectsWithoutRecord: number;
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

/** What the audit saw of the control, a strategy without any protection, in the same run and place. */
export interface Control {
  /** The power of the load: the share of the control's contested keys that were violated. */
  readonly share: number;
  /** Its contested keys: a share of a few keys is no share. */
  readonly keys: number;
  /** How many keys count as one independent key; see `designEffect`. */
  readonly designEffect: number;
}

/** Check-then-act double-books 89–99 % of the keys (measured): far fewer means there was no contention. */
export const powerMin = 0.2;

/** What a control shows, from its failed keys in each repetition. */
export function controlFrom(
  repetitions: readonly { readonly failed: number; readonly keys: number }[],
): Control {
  const keys = repetitions.reduce((sum, one) => sum + one.keys, 0);
  const failed = repetitions.reduce((sum, one) => sum + one.failed, 0);
  const share = keys > 0 ? failed / keys : 0;
  return { share, keys, designEffect: designEffect(repetitions) };
}

/** Nothing is known of a control. */
export const unseen: Control = { share: 0, keys: 0, designEffect: 1 };

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
  claimed: Claim,
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
      if (!hasPower(control)) return notShown(withoutPower(control));
      if (observed.keysTested / control.designEffect < keysMin)
        return notShown(dependent(observed.keysTested, control));
      return {
        observed: 'safe',
        because: claimed.because,
        agreement: 'as claimed',
        boundShare: ruleOfThree(observed.keysTested / control.designEffect),
      };
  }
}

/** A lost turn can let another caller in on the keys it covered: at most two, in any scenario. */
const keysPerTurnMax = 2;

/** The effect of a command is on the command's own key. */
const keysPerEffect = 1;

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

function found(claimed: Claim, observed: Observation): CellVerdict {
  const { keysHit, keys, lostAcknowledgements, counted, stuck, asked } = observed;
  const elsewhere = observed.keysHitElsewhere ?? 0;
  const besides = elsewhere > 0 ? `, and ${elsewhere} outside the contested rounds` : '';
  const seen = `${keysHit - elsewhere} of ${keys} keys were violated${besides}`;
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
  const unexplained = beyondLosses(observed);
  return unexplained
    ? violated(`${seen}, more than ${unexplained} can explain`)
    : { observed: 'no claim', because: claimed.because, agreement: 'nothing claimed' };
}

/** The losses that void a claim, if they harmed fewer keys than are violated. */
export function beyondLosses({
  keysHit,
  turnsLost,
  effectsWithoutRecord,
}: Pick<Observation, 'keysHit' | 'turnsLost' | 'effectsWithoutRecord'>): string | undefined {
  const explained = turnsLost * keysPerTurnMax + effectsWithoutRecord * keysPerEffect;
  if (keysHit <= explained) return undefined;
  const losses = [
    ...(turnsLost > 0 ? [`${turnsLost} lost turns`] : []),
    ...(effectsWithoutRecord > 0 ? [`${effectsWithoutRecord} effects without their record`] : []),
  ];
  return losses.join(' and ') || 'nothing that the service counted';
}

function violated(because: string): CellVerdict {
  return { observed: 'unsafe', because, agreement: 'claim violated' };
}

/** Whether finding nothing under the same load means something. */
export function hasPower({ share, keys }: Control): boolean {
  return share >= powerMin && keys >= keysMin;
}

/** Why it does not. */
export function withoutPower({ share, keys }: Control): string {
  const nothing = 'finding nothing proves nothing';
  if (keys > 0 && keys < keysMin)
    return `the control had only ${keys} contested keys, and ${keysMin} are needed: ${nothing}`;
  const failed =
    share === 0 ? 'did not fail' : `failed on only ${Math.round(share * 100)} % of its keys`;
  return `the control ${failed}, and ${powerMin * 100} % are needed: ${nothing}`;
}

/** Keys of a repetition that fail together are no independent samples. */
export function dependent(keysTested: number, { designEffect }: Control): string {
  const worth = Math.floor(keysTested / designEffect);
  return (
    `the control failed in some repetitions and not in others, so ${keysTested} keys are worth ${worth} ` +
    `independent ones, and ${keysMin} are needed; --repetitions gives more`
  );
}

/** Why finding nothing would prove nothing; undefined if enough was observed. */
function tooLittle(observed: Observation): string | undefined {
  const { keys, keysDecided, keysOverlapped, keysTested, settled, counted, commandsMet } = observed;
  const { asked, unanswered } = observed;
  if (!settled) return 'transactions were still open when the audit had to start';
  if (!counted) return 'the metrics of the service miss commands that it answered';
  if (asked === null) return 'the run ended before its keys were asked again';
  if (unanswered > 0) return `${unanswered} keys that were asked again were not served`;
  if (asked !== undefined && asked < Math.min(askedMax, keys))
    return `only ${asked} of ${keys} contested keys were asked again in time`;
  if (commandsMet === 0) return 'no power: no command met a rival on its key';
  return keysTested < keysMin
    ? `callers contended and one got through on only ${keysTested} of ${keys} keys; ${keysMin} are needed ` +
        `(${keysDecided} decided, ${keysOverlapped} overlapped); --rounds and --repetitions give more`
    : undefined;
}

function notShown(because: string): CellVerdict {
  return { observed: 'inconclusive', because, agreement: 'not shown' };
}

/** What happened in a cell, according to the service's counters. */
export interface CellCounters {
  readonly processes: number;
  readonly effectsWithoutRecord: number;
  readonly leasesLost: number;
  readonly releases: Readonly<Record<string, number>>;
  readonly failures: Readonly<Record<string, number>>;
}

/** The events that may void a claim, among those that load without faults can cause. */
export function eventsOf(counters: CellCounters): Event[] {
  const { processes, effectsWithoutRecord, leasesLost, releases, failures } = counters;
  const events: Event[] = [];
  if (processes > 1) events.push('several processes');
  // which of the two it was follows from the strategy's turn; an unknown end may have been a loss
  const { lost = 0, unknown = 0 } = releases;
  if (lost + unknown + leasesLost + (failures['turn-lost'] ?? 0) > 0)
    events.push('lease lost', 'session lost');
  if (effectsWithoutRecord > 0) events.push('effect without record');
  return events;
}
