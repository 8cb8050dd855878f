/** `docs/runs/costs.json`: what strategies cost, from three runs of `compare` side by side. Pure. */
import { z } from 'zod';
import type { Phase, Run } from '../compare/schema.ts';
import { placeOf } from '../compare/summary.ts';
import { randomOf } from '../lab/random.ts';
import { blocksMin, ratioInterval } from '../lab/ranking.ts';
import type { CostCell, CostTable, Sample, Trips } from './costs.ts';

export const costsFormat = 'lockstep costs';
/** Raised by every change that an older reader would misread. */
export const costsVersion = 1;

const ms = z.number();
const sample = z.strictObject({ low: ms, middle: ms, high: ms, count: z.number().int().min(1) });
const trips = z.strictObject({ postgres: z.number().min(0), redis: z.number().min(0) });

export const costsSchema = z.strictObject({
  format: z.literal(costsFormat),
  version: z.literal(costsVersion),
  startedAt: z.string(),
  commit: z.string(),
  command: z.string(),
  cores: z.number().int(),
  callers: z.number().int().min(2),
  addedMs: ms,
  localMs: ms,
  blocks: z.number().int().min(1).optional(),
  cells: z.array(
    z.strictObject({
      place: z.string(),
      strategy: z.string(),
      alone: sample,
      contested: sample,
      trips: z.strictObject({ alone: trips, contested: trips }),
      tripsOff: z.strictObject({ alone: trips, contested: trips }).optional(),
    }),
  ),
});

/** How `costs.json` is read. */
export const costsFile = { format: costsFormat, version: costsVersion, shape: costsSchema };

/** The same load three times: as it is, and with time added to each exchange with one store. */
export interface CostRuns {
  readonly local: Run;
  readonly postgresAway: Run;
  /** Only of the strategies that use Redis. */
  readonly redisAway: Run;
  readonly addedMs: number;
  readonly localMs: number;
  readonly command: string;
}

/** The table of costs. Cells that were not measured in all the runs that concern them are left out. */
export function costsOf(runs: CostRuns): CostTable {
  const { local, addedMs, localMs, command } = runs;
  return {
    startedAt: local.startedAt,
    commit: local.conditions.commit,
    command,
    cores: local.conditions.machine.cores,
    callers: local.plan.rivals,
    addedMs,
    localMs,
    blocks: Math.min(local.plan.repetitions, runs.postgresAway.plan.repetitions),
    cells: local.cells.flatMap(cell => costOf(runs, cell) ?? []),
  };
}

type RunCell = Run['cells'][number];

function costOf(runs: CostRuns, cell: RunCell): CostCell | undefined {
  const here = costsIn(runs.local, cell);
  const away = costsIn(runs.postgresAway, twin(runs.postgresAway, cell));
  if (!here || !away) return undefined;
  const redis = costsIn(runs.redisAway, twin(runs.redisAway, cell));
  const perTrip = (what: 'alone' | 'contested'): Trips => ({
    postgres: gained(here[what], away[what], runs.addedMs),
    redis: redis ? gained(here[what], redis[what], runs.addedMs) : 0,
  });
  const perTripOff = (what: 'alone' | 'contested'): Trips => ({
    postgres: gainedOff(here[what], away[what], runs.addedMs),
    redis: redis ? gainedOff(here[what], redis[what], runs.addedMs) : 0,
  });
  return {
    place: placeOf(cell),
    strategy: cell.strategy,
    alone: rounded(here.alone),
    contested: rounded(here.contested),
    trips: { alone: perTrip('alone'), contested: perTrip('contested') },
    tripsOff: { alone: perTripOff('alone'), contested: perTripOff('contested') },
  };
}

function twin({ cells }: Run, { strategy, ...cell }: RunCell): RunCell | undefined {
  return cells.find(one => one.strategy === strategy && placeOf(one) === placeOf(cell));
}

function gained(here: Sample, away: Sample, addedMs: number): number {
  return Math.max(0, twoDigits((away.middle - here.middle) / addedMs));
}

/** Half the widths of both intervals, one on the other. */
function gainedOff(here: Sample, away: Sample, addedMs: number): number {
  return twoDigits((here.high - here.low + away.high - away.low) / 2 / addedMs);
}

/** Undefined where nobody was served. */
function costsIn(run: Run, cell: RunCell | undefined) {
  const alone = cell && sampleOf(run, cell, 'alone');
  const contested = cell && sampleOf(run, cell, 'contested');
  return alone && contested && { alone, contested };
}

/**
 * The median of all, with the interval of its ratio to the control's over the blocks: commands of one
 * block share its minute, so together they are no more than one sample.
 */
function sampleOf(run: Run, cell: RunCell, what: 'alone' | 'contested'): Sample | undefined {
  const pooled = medianOf(phasesOf(cell, what).flatMap(valuesIn[what]));
  const isControl = new Map(run.strategies.map(({ name, control }) => [name, control]));
  const control = run.cells.find(
    one => isControl.get(one.strategy) && placeOf(one) === placeOf(cell),
  );
  const base = phasesOf(control, what).map(phase => medianOf(valuesIn[what](phase))?.middle);
  const ratios = phasesOf(cell, what).flatMap((phase, block) => {
    const own = medianOf(valuesIn[what](phase))?.middle;
    const other = base[block];
    return own && other ? [own / other] : [];
  });
  if (!pooled || ratios.length < blocksMin) return pooled;
  const random = randomOf(run.plan.seed, `${placeOf(cell)} ${cell.strategy} ${what}`);
  const ratio = ratioInterval(ratios, random);
  if (!ratio) return pooled;
  const at = (value: number): number => pooled.middle * (value / ratio.middle);
  return { ...pooled, low: at(ratio.low), high: at(ratio.high) };
}

/** Milliseconds: of each accepted command alone, and of the mean caller of each contested key. */
const valuesIn: Readonly<Record<'alone' | 'contested', (phase: Phase) => number[]>> = {
  alone: ({ rounds }) =>
    rounds.flatMap(({ calls }) => calls.filter(isAccepted).map(call => call.ms)),
  contested: ({ rounds }) =>
    rounds.map(({ calls }) => calls.reduce((sum, call) => sum + call.ms, 0) / calls.length),
};

const phasesOf = (cell: RunCell | undefined, name: 'alone' | 'contested'): Phase[] =>
  cell?.repetitions.map(one => one[name]) ?? [];

const isAccepted = ({ outcome }: { readonly outcome: string }): boolean => outcome === 'accepted';

/** The median with its 95 % interval, by order: no shape of the distribution is assumed. */
export function medianOf(values: readonly number[]): Sample | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const { length } = sorted;
  const at = (rank: number): number =>
    sorted[Math.min(length - 1, Math.max(0, rank))] ?? Number.NaN;
  if (length === 0) return undefined;
  const reach = 0.98 * Math.sqrt(length);
  return {
    low: at(Math.floor(length / 2 - reach)),
    middle: (at(Math.floor((length - 1) / 2)) + at(Math.ceil((length - 1) / 2))) / 2,
    high: at(Math.ceil(length / 2 + reach)),
    count: length,
  };
}

const twoDigits = (value: number): number => Math.round(value * 100) / 100;

function rounded({ low, middle, high, count }: Sample): Sample {
  return { low: twoDigits(low), middle: twoDigits(middle), high: twoDigits(high), count };
}

/** One cell per line, so that the diff of a new run shows what changed. */
export function costsText(table: CostTable): string {
  const { cells, ...head } = costsSchema.parse({
    format: costsFormat,
    version: costsVersion,
    ...table,
  });
  const start = JSON.stringify(head, null, 1).replace(/\n}$/, '');
  return `${start},\n "cells": [\n${cells.map(cell => `  ${JSON.stringify(cell)}`).join(',\n')}\n ]\n}\n`;
}
