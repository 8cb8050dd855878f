/** `lockstep load`: measures the cost of strategies under load, with k6. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExitCode, exitCodes } from '../lab/exit-codes.ts';
import { checkWritable } from '../lab/files.ts';
import { commandLine, form, readBenchOptions } from '../load/options.ts';
import { loadReport } from '../load/report.ts';
import { bench } from '../load/run.ts';
import { type BenchSummary, summarizeBench } from '../load/summary.ts';
import { loadTable } from '../load/table.ts';
import { sectionsCsv } from '../page/csv.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
import type { CliCommand } from './command.ts';

export const command: CliCommand = {
  form,
  kept: 'Results so far are kept; continue with --resume <folder>.',
  async run({ argv, environment, signal, write, note }) {
    const options = readBenchOptions(argv);
    await checkWritable(options.resume ?? options.out);
    const { registry, folder, ...run } = await bench({
      options,
      command: commandLine(options),
      environment,
      output: process.stderr,
      signal,
    });
    const summary = summarizeBench(run, registry);
    const report = loadReport(summary);
    const json = `${JSON.stringify(summary, null, 2)}\n`;
    await Promise.all([
      writeFile(join(folder, 'report.md'), reportMarkdown(report)),
      writeFile(join(folder, 'report.html'), reportHtml(report)),
      writeFile(join(folder, 'report.csv'), sectionsCsv(report.sections)),
      writeFile(join(folder, 'result.json'), json),
    ]);
    const color = process.stdout.isTTY === true && !environment.NO_COLOR;
    write(options.json ? json : loadTable(summary, { color }));
    note(`\n${join(folder, 'report.html')}`);
    return signal.aborted ? exitCodes.interrupted : exitOf(summary);
  },
};

/**
 * A missing cell makes the run inconclusive, and so does one that claims safety and met no rival, or
 * whose control did not fail. A sweep goes where nobody meets on purpose.
 */
function exitOf({ rows, missing }: BenchSummary): ExitCode {
  if (rows.some(row => row.claimBroken !== '')) return exitCodes.claimBroken;
  const judged = rows.every(
    row =>
      row.audited &&
      (row.observed !== 'inconclusive' ||
        row.claimed.verdict !== 'safe' ||
        row.notProvoked !== undefined ||
        row.plan.axis !== ''),
  );
  return missing.length > 0 || !judged ? exitCodes.inconclusive : exitCodes.asClaimed;
}
