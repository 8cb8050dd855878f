/** `npm run dev:readme`: renews the generated documents; of another run, with its `matrix.json`. */
import { Command } from 'commander';
import { parsed } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { writeDocuments } from '../report/documents.ts';
import type { CliCommand } from './command.ts';

function form(): Command {
  return new Command('lockstep dev-readme')
    .description(
      'Renews the matrix in README.md and docs/matrix.md, and the tests in docs/cases.md.',
    )
    .argument('[matrix.json]', 'of a complete run: it becomes the committed one')
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
