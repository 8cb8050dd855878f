/** `lockstep compare`, the main job. */

import { RunFolder } from '../compare/files.ts';
import { form, readOptions } from '../compare/options.ts';
import { compare } from '../compare/run.ts';
import type { Run } from '../compare/schema.ts';
import { summarize } from '../compare/summary.ts';
import { table } from '../compare/table.ts';
import { checkWritable } from '../lab/files.ts';
import type { CliCommand } from './command.ts';

export const command: CliCommand = {
  form,
  async run({ argv, environment, signal, write, note }) {
    const options = readOptions(argv);
    await checkWritable(options.out);
    const folder = new RunFolder(options.out);
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
