/**
 * The verdicts of a run over many scenarios, without the raw data: small enough to commit, and the
 * source of the README's matrix and of `docs/matrix.md`.
 */
import { z } from 'zod';
import { readResultFile } from '../lab/result-file.ts';
import { type CellSummary, placeOf, type Summary } from './summary.ts';

export const matrixFormat = 'lockstep matrix';
/** Raised by every change that an older reader would misread. */
export const matrixVersion = 2;

const count = z.number().int().min(0);
const text = z.string();

const strategy = z.strictObject({
  name: text,
  title: text,
  /** Its deliberate flaw, and the name of its cure; null if it has none. */
  hazard: z.strictObject({ why: text, under: z.array(text), cure: text }).nullable(),
  migration: text,
  newDependency: text.nullable(),
  poolerSafe: z.boolean(),
  retryNeeded: z.boolean(),
});

const cell = z.strictObject({
  /** `scenario/variant`. */
  place: text,
  strategy: text,
  claimed: text,
  observed: z.enum(['safe', 'unsafe', 'no claim', 'inconclusive', 'not offered']),
  agreement: z.enum([
    'as claimed',
    'claim violated',
    'not shown',
    'nothing claimed',
    'not provoked',
  ]),
  because: text,
  /**
   * Contested keys; of these: tested, unfilled, violated (see bench/README.md). `elsewhere`: violated
   * in the warm-ups and the phases without rivals. Absent if not run.
   */
  keys: z
    .strictObject({
      ...{ all: count, tested: count, unfilled: count, violated: count },
      elsewhere: count.optional(),
    })
    .optional(),
  /** Number of keys by kind of violation. */
  found: z.record(z.string(), count).optional(),
  /** After 0 of n: upper bound of the true share, at 95 % confidence. */
  boundShare: z.number().optional(),
  /** The same for all such cells of the run at once. */
  familyBound: z.number().optional(),
  /** Share of the commands on contested keys that met a rival; of the control's keys violated. */
  contention: z.number().optional(),
  power: z.number().optional(),
});

export const matrixSchema = z.strictObject({
  format: z.literal(matrixFormat),
  version: z.literal(matrixVersion),
  startedAt: text,
  seconds: z.number(),
  command: text,
  commit: text,
  end: z.enum(['complete', 'interrupted', 'broken off']),
  postgres: text,
  redis: text,
  cores: count,
  processes: count,
  rivals: count,
  repetitions: count,
  /** `scenario/variant`, in reading order. */
  places: z.array(text),
  strategies: z.array(strategy),
  cells: z.array(cell),
});

export type Matrix = z.infer<typeof matrixSchema>;
export type MatrixCell = Matrix['cells'][number];
export type MatrixStrategy = Matrix['strategies'][number];

/** Extracts the matrix from a run. */
export function matrixOf(summary: Summary): Matrix {
  const { startedAt, seconds, command, conditions, end, plan, cells } = summary;
  const strategies = new Map(cells.map(({ strategy: one }) => [one.name, one]));
  return {
    format: matrixFormat,
    version: matrixVersion,
    startedAt,
    seconds: Math.round(seconds),
    command,
    commit: conditions.commit,
    end,
    postgres: conditions.postgres.version,
    redis: conditions.redis.version,
    cores: conditions.machine.cores,
    processes: plan.processes,
    rivals: plan.rivals,
    repetitions: plan.repetitions,
    places: [...new Set(cells.map(placeOf))],
    strategies: [...strategies.values()].map(({ name, title, hazard, adoption }) => ({
      name,
      title,
      hazard,
      migration: adoption.migration,
      newDependency: adoption.newDependency,
      poolerSafe: adoption.poolerSafe,
      retryNeeded: adoption.retryNeeded,
    })),
    cells: cells.map(cellOf),
  };
}

function cellOf(summary: CellSummary): MatrixCell {
  const { strategy: one, claimed, verdict, observed, findings, familyBound, power } = summary;
  const found = Object.fromEntries(findings.map(({ kind, keys }) => [kind, keys]));
  const elsewhere = observed?.keysHitElsewhere ?? 0;
  return {
    place: placeOf(summary),
    strategy: one.name,
    claimed: claimed.verdict,
    observed: verdict.observed,
    agreement: verdict.agreement,
    because: verdict.because,
    ...(observed && {
      keys: {
        all: observed.keys,
        tested: observed.keysTested,
        unfilled: observed.keysUnfilled,
        violated: observed.keysHit - elsewhere,
        ...(elsewhere > 0 && { elsewhere }),
      },
    }),
    ...(findings.length > 0 && { found }),
    ...(verdict.boundShare !== undefined && { boundShare: verdict.boundShare }),
    ...(familyBound !== undefined && { familyBound }),
    ...(observed &&
      observed.commands > 0 && {
        contention: rounded(observed.commandsMet / observed.commands),
        power: rounded(power),
      }),
  };
}

const rounded = (ratio: number): number => Math.round(ratio * 100) / 100;

/** One cell per line, so that the diff of a new run shows what changed. */
export function matrixText(matrix: Matrix): string {
  const { strategies, cells, ...head } = matrix;
  const lines = (all: readonly object[]): string =>
    `[\n${all.map(one => `    ${JSON.stringify(one)}`).join(',\n')}\n  ]`;
  const start = JSON.stringify(head, null, 2).replace(/\n}$/, '');
  return `${start},\n  "strategies": ${lines(strategies)},\n  "cells": ${lines(cells)}\n}\n`;
}

const matrixFile = { format: matrixFormat, version: matrixVersion, shape: matrixSchema };

/** Reads a committed matrix. Throws `UnreadableRun` if it is none, or not of this version. */
export async function readMatrix(path: string): Promise<Matrix> {
  return readResultFile(matrixFile, path);
}
