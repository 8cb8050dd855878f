/** `npm run dev:openapi`: regenerates docs/openapi.json. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { openApiFile, openApiText } from '../report/openapi.ts';
import type { CliCommand } from './command.ts';

const root = new URL('../../', import.meta.url);

function form(): Command {
  return commandOf('dev-openapi', `Regenerates ${openApiFile} from the schemas of the routes.`);
}

export const command: CliCommand = {
  form,
  async run({ argv }) {
    readTable(form(), {}, argv);
    await writeFile(fileURLToPath(new URL(openApiFile, root)), await openApiText());
    return exitCodes.asClaimed;
  },
};
