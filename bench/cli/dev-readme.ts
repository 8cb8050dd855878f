/** `npm run dev:readme [matrix.json]`: regenerates the documents, from another run's matrix if given. */
import { Command } from 'commander';
import { parsed } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { writeDocuments } from '../report/documents.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return new Command('lockstep dev-readme')
    .description(
      'Regenerates the matrix in README.md and docs/matrix.md, and the tests in docs/cases.md.',
    )
    .argument('[matrix.json]', 'matrix of a complete run; replaces the committed one')
    .allowExcessArguments(false);
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    const read = form();
    parsed(read, argv);
    await writeDocuments(read.args[0]);
    return exitCodes.asClaimed;
  },
};
