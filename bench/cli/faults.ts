/** `lockstep faults`: what each fault does to each strategy. */
import { dirname } from 'node:path';
import { faultsExit } from '../faults/exit.ts';
import { FaultsFolder, keepSoak } from '../faults/files.ts';
import { form, readFaultsOptions } from '../faults/options.ts';
import { faultsNamed, loadFaults } from '../faults/registry.ts';
import { runFaults } from '../faults/run.ts';
import { soakExit } from '../faults/soak/judge.ts';
import { soakTable } from '../faults/soak/report.ts';
import { runSoak } from '../faults/soak/soak.ts';
import { faultsTable } from '../faults/table.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { checkWritable } from '../lab/files.ts';
import type { CliCommand } from './command.ts';

export const command: CliCommand = {
  form,
  kept: 'Cells that were judged are kept; continue with --resume <faults.json>.',
  async run({ argv, environment, signal, write, note }) {
    const options = readFaultsOptions(argv);
    if (options.list) {
      write(await listOf(options.faults));
      return exitCodes.asClaimed;
    }
    const out = options.resume === undefined ? options.out : dirname(options.resume);
    await checkWritable(out);
    const color = process.stdout.isTTY === true && !environment.NO_COLOR;
    if (options.soak !== undefined) {
      const soaked = await runSoak({ options, environment, signal, output: process.stderr });
      const files = await keepSoak(out, soaked);
      write(options.json ? `${JSON.stringify(soaked, null, 2)}\n` : soakTable(soaked, { color }));
      note(`\n${files.html}\n${files.raw}`);
      return soakExit(soaked);
    }
    const folder = new FaultsFolder(out, options.resume);
    const given = { options: { ...options, out }, environment, folder, signal };
    const run = await runFaults({ ...given, output: process.stderr });
    const files = await folder.finish(run);
    write(options.json ? `${JSON.stringify(run, null, 2)}\n` : faultsTable(run, { color }));
    note(`\n${files.html}\n${files.raw}`);
    return faultsExit(run, Boolean(environment.CI));
  },
};

async function listOf(names: readonly string[]): Promise<string> {
  const lines = faultsNamed(await loadFaults(), names).map(
    ({ name, title, harm, phases, needs }) =>
      `${name}\n  ${title}\n  harm: ${harm}; phases, the worst first: ${phases.join(', ')}\n` +
      needs.map(({ what, install }) => `  needs ${what}: ${install}\n`).join(''),
  );
  return lines.join('\n');
}
