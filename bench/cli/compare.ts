/** `lockstep compare`, the main job. */

import { errorMessage } from '../../src/error-message.ts';
import { adviseSection } from '../advise/form.ts';
import { committedEvidence } from '../advise/read.ts';
import { RunFolder } from '../compare/files.ts';
import { form, readOptions } from '../compare/options.ts';
import { compare } from '../compare/run.ts';
import type { Run } from '../compare/schema.ts';
import { summarize } from '../compare/summary.ts';
import { table } from '../compare/table.ts';
import { checkWritable } from '../lab/files.ts';
import type { Section } from '../page/report.ts';
import type { CliCommand } from './command.ts';

export const command: CliCommand = {
  form,
  async run({ argv, environment, signal, write, note }) {
    const options = readOptions(argv);
    await checkWritable(options.out);
    const folder = new RunFolder(options.out, await advice(note));
    const save = async (soFar: Run): Promise<void> => void (await folder.save(soFar));
    const run = await compare({ options, environment, output: process.stderr, save, signal });
    const files = await folder.finish(run);
    const summary = summarize(run);
    const color = process.stdout.isTTY === true && !environment.NO_COLOR;
    write(options.json ? `${JSON.stringify(summary, null, 2)}\n` : table(summary, { color }));
    note(`\n${files.html}\n${files.markdown}\n${files.json}\n${files.raw}`);
    return summary.exitCode;
  },
};

/** The form that advises; a run is worth its report without it. */
async function advice(note: (line: string) => void): Promise<readonly Section[]> {
  try {
    return [adviseSection(await committedEvidence())];
  } catch (error) {
    note(`The report will be without the form that advises: ${errorMessage(error)}`);
    return [];
  }
}
