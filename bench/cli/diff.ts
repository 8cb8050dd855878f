/** `lockstep diff`: two runs of `load`, cell by cell. */
import type { Command } from 'commander';
import { loadRegistry } from '../../src/engine/registry.ts';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { summarizeBench } from '../load/summary.ts';
import { runsCompared } from '../load/two-runs.ts';
import { reportMarkdown } from '../page/markdown.ts';
import { readLoad } from '../report/read.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return commandOf(
    'diff',
    'Compares two runs of load, cell by cell, and marks differences that are noise.',
  )
    .argument('<before>', 'folder of the earlier run')
    .argument('<after>', 'folder of the later run');
}

export const command: CliCommand = {
  form,
  async run({ argv, write }) {
    const command = form();
    readTable(command, {}, argv);
    const [before = '', after = ''] = command.args;
    const registry = await loadRegistry([]);
    const [a, b] = await Promise.all([readLoad(before), readLoad(after)]);
    const report = runsCompared(summarizeBench(a, registry), summarizeBench(b, registry));
    write(reportMarkdown(report));
    return exitCodes.asClaimed;
  },
};
