/** `lockstep diff`: two runs of `compare`, or two of `load`, cell by cell. */
import type { Command } from 'commander';
import { loadRegistry } from '../../src/engine/registry.ts';
import { summarize } from '../compare/summary.ts';
import { commandOf, option, readTable, UsageError } from '../lab/command-line.ts';
import { number } from '../lab/option-values.ts';
import { summarizeBench } from '../load/summary.ts';
import { reportMarkdown } from '../page/markdown.ts';
import { type Result, readResult } from '../report/read.ts';
import {
  type ComparedRun,
  comparedLoad,
  comparedRun,
  diffExit,
  runsCompared,
} from '../report/two-runs.ts';
import type { CliCommand } from './command.ts';

const table = {
  /** In per cent. */
  failAbove: option<number | undefined>({
    flags: '--fail-above <percent>',
    text: 'exit with 1 if a figure is worse by more than this, beyond chance, a verdict changed or a cell is gone; with 3 if chance cannot be told',
    read: number(0, 10_000),
    fallback: undefined,
  }),
};

function form(): Command {
  return commandOf(
    'diff',
    'Compares two runs of compare, or two of load, cell by cell, and tells differences from chance.',
    table,
  )
    .argument('<before>', 'folder of the earlier run')
    .argument('<after>', 'folder of the later run');
}

export const command: CliCommand = {
  form,
  async run({ argv, write, note }) {
    const command = form();
    const { failAbove } = readTable(command, table, argv);
    const [before = '', after = ''] = command.args;
    const [a, b] = await Promise.all([readResult(before), readResult(after)]);
    if (a.kind !== b.kind)
      throw new UsageError(`${before} is of another command than ${after}; give two of the same`);
    const limit = failAbove === undefined ? undefined : failAbove / 100;
    const compared = runsCompared(await comparable(a, before), await comparable(b, after), limit);
    write(reportMarkdown(compared.report));
    for (const one of compared.regressions) note(`regression: ${one}`);
    return diffExit(compared, limit);
  },
};

async function comparable(result: Result, path: string): Promise<ComparedRun> {
  if (result.kind === 'run') return comparedRun(summarize(result.run));
  if (result.kind === 'bench')
    return comparedLoad(summarizeBench(result.bench, await loadRegistry([])));
  throw new UsageError(`${path} is a result of floors; diff compares runs of compare or load`);
}
