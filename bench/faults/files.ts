/** Results on disk: `<out>/faults-<time>-<commit>/`, with the raw data as the run goes on. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { folderName } from '../lab/files.ts';
import { readResultFile } from '../lab/result-file.ts';
import { sectionsCsv } from '../page/csv.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
import { type Operation, writeHistory } from './history.ts';
import { faultsReport } from './report.ts';
import { type FaultCell, type FaultsRun, faultsFile, runSchema } from './schema.ts';
import { soakReport } from './soak/report.ts';
import { type SoakRun, soakFile, soakSchema } from './soak/schema.ts';

export class FaultsFolder {
  #folder: string | undefined;
  readonly #out: string;

  /** `resumed`: the raw file of an interrupted run, whose folder is used again. */
  constructor(out: string, resumed: string | undefined) {
    this.#out = out;
    this.#folder = resumed === undefined ? undefined : dirname(resumed);
  }

  /** Writes the raw data so far; a reader sees the old file or the new one. */
  async save(run: FaultsRun): Promise<string> {
    const folder = await this.#made(run);
    const raw = join(folder, 'faults.json');
    await writeFile(`${raw}.next`, `${JSON.stringify(runSchema.parse(run))}\n`);
    await rename(`${raw}.next`, raw);
    return raw;
  }

  /** Keeps the record of a cell: one operation a line. */
  async keep(
    run: Pick<FaultsRun, 'startedAt' | 'conditions'>,
    { fault, phase, strategy }: Pick<FaultCell, 'fault' | 'phase' | 'strategy'>,
    history: readonly Operation[],
  ): Promise<void> {
    const name = `${fault}-${phase.replace(' ', '-')}-${strategy.replaceAll(/[^a-z0-9-]/g, '_')}`;
    await writeHistory(join(await this.#made(run), 'histories', `${name}.jsonl`), history);
  }

  /** Writes the reports beside the raw data; returns the paths. */
  async finish(run: FaultsRun): Promise<{ readonly html: string; readonly raw: string }> {
    const raw = await this.save(run);
    const folder = dirname(raw);
    const report = faultsReport(run);
    const html = join(folder, 'report.html');
    await Promise.all([
      writeFile(html, reportHtml(report)),
      writeFile(join(folder, 'report.md'), reportMarkdown(report)),
      writeFile(join(folder, 'report.csv'), sectionsCsv(report.sections)),
    ]);
    return { html, raw };
  }

  async #made(run: Pick<FaultsRun, 'startedAt' | 'conditions'>): Promise<string> {
    this.#folder ??= join(this.#out, `faults-${folderName(run)}`);
    await mkdir(this.#folder, { recursive: true });
    return this.#folder;
  }
}

/** Reads raw data. Throws `UnreadableRun` for another format, another version or a broken file. */
export async function readFaults(path: string): Promise<FaultsRun> {
  return readResultFile(faultsFile, path);
}

/** Writes a soak to `<out>/soak-<time>-<commit>/`; returns the paths. */
export async function keepSoak(
  out: string,
  run: SoakRun,
): Promise<{ readonly html: string; readonly raw: string }> {
  const folder = join(out, `soak-${folderName(run)}`);
  await mkdir(folder, { recursive: true });
  const raw = join(folder, 'soak.json');
  const html = join(folder, 'report.html');
  const report = soakReport(run);
  await Promise.all([
    writeFile(raw, `${JSON.stringify(soakSchema.parse(run))}\n`),
    writeFile(html, reportHtml(report)),
    writeFile(join(folder, 'report.md'), reportMarkdown(report)),
  ]);
  return { html, raw };
}

/** Reads the raw data of a soak. Throws `UnreadableRun`. */
export async function readSoak(path: string): Promise<SoakRun> {
  return readResultFile(soakFile, path);
}
