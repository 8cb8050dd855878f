/** `npm run dev:strategies [result…]`: the pages of the strategies, with what other runs show of them. */
import type { Command } from 'commander';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { keepRecords, writeDocuments } from '../report/documents.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return commandOf(
    'dev-strategies',
    'Regenerates docs/strategies, as dev-readme does, and first takes the messages and the shortest ' +
      'counterexamples of the given results into docs/runs/strategies.json, and their faults beside.',
  ).argument('[results...]', 'raw faults.json, or output of explore-strategies --json');
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    const read = form();
    readTable(read, {}, argv);
    if (read.args.length > 0) await keepRecords(read.args);
    await writeDocuments();
    return exitCodes.asClaimed;
  },
};
