/** Resuming an interrupted run: finished scenarios are kept as they are. */

import { argumentsIn, UsageError } from '../lab/command-line.ts';
import { type Options, readOptions } from './options.ts';
import type { Cell, Run } from './schema.ts';
import { placeOf } from './summary.ts';

/** The options of the command that began the run. Throws `UsageError` if they cannot be recovered. */
export function optionsOf(run: Run, out: string, json: boolean): Options {
  const outside = run.strategies.filter(({ source }) => source === 'outside');
  if (outside.length > 0)
    throw new UsageError('a run with your own strategy files cannot be resumed; run it again');
  return { ...readOptions(argumentsIn(run.command)), out, json };
}

/**
 * The cells of scenarios in which every offered cell was audited and its keys were asked again. Other scenarios are run from scratch:
 * the control and the costs of a scenario must come from one service and one database.
 */
export function finishedCells({ cells }: Run): ReadonlyMap<string, Cell> {
  const open = new Set(
    cells
      .filter(({ claimed }) => claimed.verdict !== 'not offered')
      .filter(({ audit, asked }) => audit === null || asked === null)
      .map(({ scenario }) => scenario),
  );
  const finished = cells.filter(({ scenario }) => !open.has(scenario));
  return new Map(finished.map(cell => [cellName(cell), cell]));
}

/** The name of a cell in a run. */
export function cellName(cell: Pick<Cell, 'scenario' | 'variant' | 'strategy'>): string {
  return `${placeOf(cell)} ${cell.strategy}`;
}
