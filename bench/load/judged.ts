/** The verdict of a load cell: what was found, and what this load could have found. Pure. */
import type { Prediction } from '../../src/contract/index.ts';
import { ruleOfThree } from '../lab/statistics.ts';
import {
  beyondLosses,
  type Control,
  controlFrom,
  dependent,
  hasPower,
  keysMin,
  withoutPower,
} from '../lab/verdict.ts';
import type { Meetings } from './meetings.ts';
import { placeName } from './plan.ts';
import type { CellResult } from './schema.ts';

export interface Judged {
  readonly observed: 'safe' | 'unsafe' | 'inconclusive';
  /** Why it is inconclusive; empty if it is not. */
  readonly because: string;
  /** Who met whom; undefined if the service did not tell. */
  readonly meetings: Meetings | undefined;
  /** The share of the control’s tested keys that were violated by the same load; undefined if unknown. */
  readonly power: number | undefined;
  /** For 0 of n: upper bound of the share of keys violated (95 % confidence). */
  readonly boundShare: number | undefined;
}

/** Without a look at the control. Without an accepted command nothing could go wrong. */
export function seenAlone(
  found: number,
  audited: boolean,
  accepted: number,
): Pick<Judged, 'observed' | 'because'> {
  if (found > 0) return { observed: 'unsafe', because: '' };
  if (!audited) return { observed: 'inconclusive', because: 'not fully audited' };
  if (accepted === 0) return { observed: 'inconclusive', because: 'nothing was accepted' };
  return { observed: 'safe', because: '' };
}

/** What was found in a cell whose claim may be broken by it. */
export interface Found {
  /** Of all kinds, stuck keys among them. */
  readonly findings: number;
  readonly stuck: number;
  readonly lostAcknowledgements: number;
  /** At least so many keys were violated. */
  readonly keysHit: number;
  readonly turnsLost: number;
  readonly effectsWithoutRecord: number;
  /** False if the service’s counters are missing for a repetition: a loss may be missing too. */
  readonly counted: boolean;
}

/** What the strategy claims to prevent and let through; empty if nothing. As in `compare`. */
export function brokenClaim({ verdict, reason }: Prediction, found: Found): string {
  if (found.findings === 0 || reason === 'strategy not given') return '';
  if (found.lostAcknowledgements > 0) return 'acknowledged commands are missing';
  if (verdict === 'unsafe') return '';
  if (found.stuck > 0) return 'its lock was left behind';
  if (verdict === 'safe') return 'it claims safety';
  const losses = found.counted ? beyondLosses(found) : undefined;
  return losses === undefined
    ? ''
    : `at least ${found.keysHit} keys were violated, more than ${losses} can explain`;
}

/**
 * Nothing found is a result only for a claim of safety, where callers met, and where the control failed
 * under the same load.
 */
export function judgedBeside<Row extends Judged & Told>(
  row: Row,
  control: Control | undefined,
): Row {
  const known = { ...row, power: control?.share };
  if (row.observed !== 'safe') return known;
  const missing = row.measured < row.planned ? 'repetitions are missing' : undefined;
  const claim = row.notProvoked ?? withoutClaim(row.claimed);
  const why = claim ?? missing ?? tooLittle(row.meetings, control);
  if (why !== undefined) return { ...known, observed: 'inconclusive', because: why };
  const tested = row.meetings?.keysTested ?? 0;
  return { ...known, boundShare: ruleOfThree(tested / (control?.designEffect ?? 1)) };
}

/** What a row tells besides. */
interface Told {
  readonly claimed: Prediction;
  readonly planned: number;
  readonly measured: number;
  /** Why load does not show the flaw of a hazard; undefined if there is none, or it does. */
  readonly notProvoked: string | undefined;
}

function withoutClaim({ verdict, because }: Prediction): string | undefined {
  if (verdict === 'safe') return undefined;
  return verdict === 'unsafe' ? 'its predicted violation was not seen' : `no claim: ${because}`;
}

function tooLittle(
  meetings: Meetings | undefined,
  control: Control | undefined,
): string | undefined {
  if (!meetings) return 'the service did not tell which commands met';
  const { keys, keysTested } = meetings;
  if (keysTested === 0) return 'no power: no command met a rival on its key';
  if (keysTested < keysMin)
    return (
      `callers met and one got through on only ${keysTested} of ${keys} keys; ${keysMin} are needed ` +
      '(--duration, --rate and --repetitions give more)'
    );
  if (!control) return 'no power: the control was not in this run';
  if (!hasPower(control)) return `no power: ${withoutPower(control)}`;
  const independent = keysTested / control.designEffect;
  return independent < keysMin ? dependent(keysTested, control) : undefined;
}

interface Measured extends Pick<CellResult, 'plan' | 'meetings'> {
  readonly k6: { readonly counts: Readonly<Record<string, number>> };
}

/** What became of the control, by place. */
export function controlsIn(cells: readonly Measured[], name: string): ReadonlyMap<string, Control> {
  const own = cells.filter(cell => cell.plan.strategy === name && cell.meetings);
  const places = new Set(own.map(cell => placeName(cell.plan)));
  return new Map(
    [...places].map(place => {
      const counts = own
        .filter(cell => placeName(cell.plan) === place)
        .map(({ k6, meetings }) => {
          const keys = meetings?.keysTested ?? 0;
          return { keys, failed: Math.min(keys, k6.counts.keys_violated ?? 0) };
        });
      return [place, controlFrom(counts)];
    }),
  );
}

/** Undefined if one repetition does not know. */
export function meetingsIn(cells: readonly Pick<CellResult, 'meetings'>[]): Meetings | undefined {
  const known = cells.flatMap(cell => cell.meetings ?? []);
  if (known.length < cells.length || known.length === 0) return undefined;
  const sum = (of: (one: Meetings) => number): number =>
    known.reduce((all, one) => all + of(one), 0);
  return {
    keys: sum(one => one.keys),
    keysTested: sum(one => one.keysTested),
    keysDecidedTogether: sum(one => one.keysDecidedTogether),
    commands: sum(one => one.commands),
    commandsMet: sum(one => one.commandsMet),
  };
}
