/** `npm run dev:readme [result]`: regenerates the documents, from another run's result if given. */
import type { Command } from 'commander';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { writeDocuments } from '../report/documents.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return commandOf(
    'dev-readme',
    'Regenerates the matrices in README.md, docs/matrix.md and docs/faults-run.md, the tests in docs/cases.md, ' +
      'and docs/strategies.',
  ).argument(
    '[result]',
    'matrix.json or faults.json of a complete run; replaces the committed one',
  );
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    const read = form();
    readTable(read, {}, argv);
    await writeDocuments(read.args[0]);
    return exitCodes.asClaimed;
  },
};
