import type { ServerUrls } from '../../../src/explore/run/stage.ts';
import { type Compared, compareSearches } from './compare.ts';
import { programOf } from './generate.ts';
import type { Program } from './program.ts';
import { shrunk } from './shrink.ts';

export interface Trial {
  readonly seed: number;
  /** Numbers of the programs under this seed. */
  readonly numbers: readonly number[];
  /** Limit for the unreduced search of one program; the generator aims below it. */
  readonly ordersMax: number;
  /** Limit for the whole trial; programs left then are not run. */
  readonly secondsMax: number;
  /** Limit for shrinking a program that lost an outcome. */
  readonly shrinkSeconds: number;
  readonly signal?: AbortSignal;
}

export interface Tried {
  readonly number: number;
  readonly compared: Compared;
  readonly seconds: number;
}

/**
 * How many orders to aim for: below the limit, since waits and branches vary. One in seven is as large
 * as allowed; many small ones cover more letters in the same time.
 */
function aimOf(number: number, ordersMax: number): number {
  const mostly = 0.7 * ordersMax;
  return number % 7 === 0 ? mostly : Math.min(mostly, 250);
}

const programSecondsMax = 120;

/** Generates the programs one after another and compares their searches; calls `told` after each. */
export async function tryPrograms(
  trial: Trial,
  servers: ServerUrls,
  told: (tried: Tried) => void,
): Promise<Tried[]> {
  const untilMs = performance.now() + trial.secondsMax * 1000;
  const all: Tried[] = [];
  for (const number of trial.numbers) {
    if (performance.now() > untilMs || trial.signal?.aborted) break;
    const program = programOf(trial.seed, number, aimOf(number, trial.ordersMax));
    const tried = await tryOne(number, program, trial, servers);
    all.push(tried);
    told(tried);
  }
  return all;
}

async function tryOne(
  number: number,
  program: Program,
  { ordersMax, shrinkSeconds }: Trial,
  servers: ServerUrls,
): Promise<Tried> {
  const beganMs = performance.now();
  const limits = { ordersMax, secondsMax: programSecondsMax };
  const found = await compareSearches(program, servers, limits);
  const seconds = (performance.now() - beganMs) / 1000;
  if (found.kind !== 'lost' || shrinkSeconds === 0) return { number, compared: found, seconds };
  const compared = await shrunk(found, servers, { ...limits, shrinkSeconds });
  return { number, compared, seconds };
}
