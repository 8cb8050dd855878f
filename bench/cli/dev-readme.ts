/** `npm run dev:readme [matrix.json]`: regenerates the documents, from another run's matrix if given. */
import type { Command } from 'commander';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { writeDocuments } from '../report/documents.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return commandOf(
    'dev-readme',
    'Regenerates the matrix in README.md and docs/matrix.md, and the tests in docs/cases.md.',
  ).argument('[matrix.json]', 'matrix of a complete run; replaces the committed one');
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
