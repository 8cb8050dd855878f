/** Who is cheaper than whom within a place: only what differs gets a place of its own. Pure. */
import { randomOf } from '../lab/random.ts';
import {
  blocksMin,
  placesOf as placesIn,
  type RatioInterval,
  ratioInterval,
} from '../lab/ranking.ts';
import { type PhaseName, phaseNames } from './schema.ts';
import { type CellSummary, placeOf } from './summary.ts';

/** The rank of a safe cell among the safe ones of its scenario and variant, in one phase. */
export interface Rank {
  /** Shared by all whose intervals overlap. */
  readonly place: number;
  /** Others have the same place. */
  readonly shared: boolean;
  /** Cost divided by that of the control in the same block. */
  readonly toControl: RatioInterval;
  /** Its cost divided by that of the cheapest of all. */
  readonly timesBest: number;
}

/** Ranks every cell that may be ranked; the others come back without ranks. */
export function withRanks(cells: readonly CellSummary[], seed: number): CellSummary[] {
  const intervals = new Map<CellSummary, Partial<Record<PhaseName, RatioInterval>>>();
  for (const cell of cells) {
    const control = cells.find(one => one.strategy.control && placeOf(one) === placeOf(cell));
    const found = phaseNames.flatMap(name => {
      const interval = control && intervalOf(cell, control, name, seed);
      return interval ? [[name, interval] as const] : [];
    });
    intervals.set(cell, Object.fromEntries(found));
  }
  return cells.map(cell => {
    const peers = cells.filter(one => placeOf(one) === placeOf(cell));
    const ranks = phaseNames.flatMap(name => {
      const mine = intervals.get(cell)?.[name];
      const all = peers.flatMap(one => intervals.get(one)?.[name] ?? []);
      return mine ? [[name, rankAmong(mine, all)] as const] : [];
    });
    return { ...cell, ranks: Object.fromEntries(ranks) };
  });
}

function rankAmong(mine: RatioInterval, all: readonly RatioInterval[]): Rank {
  const places = placesIn(all);
  const place = places[all.indexOf(mine)] ?? 1;
  return {
    place,
    shared: places.filter(one => one === place).length > 1,
    toControl: mine,
    timesBest: mine.middle / Math.min(...all.map(one => one.middle)),
  };
}

/** With more keys unfilled than this, the cost comes from a few lucky keys. */
const unfilledShareMax = 0.2;

/** Only safe cells are ranked, and never a hazard: the cost of a wrong strategy is irrelevant. */
function isEligible({ verdict, strategy, observed }: CellSummary, name: PhaseName): boolean {
  const { keys = 0, keysUnfilled = 0 } = observed ?? {};
  return (
    verdict.observed === 'safe' &&
    strategy.hazard === null &&
    (name !== 'contested' || keysUnfilled <= keys * unfilledShareMax)
  );
}

/** Undefined if the cell is not ranked: see `notRanked`. */
function intervalOf(
  cell: CellSummary,
  control: CellSummary,
  name: PhaseName,
  seed: number,
): RatioInterval | undefined {
  if (!isEligible(cell, name)) return undefined;
  const own = cell.phases?.[name].costs ?? [];
  const base = control.phases?.[name].costs ?? [];
  const ratios = own.flatMap((cost, block) => {
    const other = base[block];
    return cost !== null && other != null && other > 0 && cost > 0 ? [cost / other] : [];
  });
  if (ratios.length < blocksMin) return undefined;
  return ratioInterval(ratios, randomOf(seed, `${placeOf(cell)} ${cell.strategy.name} ${name}`));
}

/** Why a run ranks nothing, and what would; empty where it can rank. */
export function notRanked(repetitions: number): string {
  return repetitions >= blocksMin
    ? ''
    : `Not ranked: ${repetitions} of the ${blocksMin} repetitions that a rank needs; add --repetitions ${blocksMin}.`;
}
