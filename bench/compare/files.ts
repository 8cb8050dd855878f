/** Results on disk: `<out>/<time>-<commit>/run.json` is raw, `<out>/latest/` is derived from the last complete one. */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { folderName } from '../lab/files.ts';
import { readResultFile } from '../lab/result-file.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
import type { Section } from '../page/report.ts';
import { matrixOf, matrixText } from './matrix.ts';
import { compareReport } from './report.ts';
import { type Run, runFile, runSchema } from './schema.ts';
import { summarize } from './summary.ts';

/** Where a run was written. */
export interface WrittenFiles {
  /** The raw data. */
  readonly raw: string;
  readonly json: string;
  readonly markdown: string;
  readonly html: string;
}

/** The folder of one run: what is finished is in it as the run goes on. */
export class RunFolder {
  readonly #out: string;
  #folder: string | undefined;
  readonly #also: readonly Section[];

  /** `out`: the folder of all results. Made with the first write. `also`: at the end of its pages. */
  constructor(out: string, also: readonly Section[] = []) {
    this.#out = out;
    this.#also = also;
  }

  /** Writes the raw data so far; a reader sees the old file or the new one. Returns its path. */
  async save(run: Run): Promise<string> {
    this.#folder ??= await madeIn(this.#out, run);
    const raw = join(this.#folder, 'run.json');
    const next = `${raw}.next`;
    await writeFile(next, `${JSON.stringify(runSchema.parse(run))}\n`);
    await rename(next, raw);
    return raw;
  }

  /**
   * Writes the raw data and the reports. Those of a complete run replace `latest`; those of any other
   * stay beside its data, so that the last good result is never lost.
   */
  async finish(run: Run): Promise<WrittenFiles> {
    const raw = await this.save(run);
    const complete = run.end === 'complete';
    const place = complete ? join(this.#out, 'latest') : dirname(raw);
    if (complete) await replaceLatest(place, run, this.#also);
    else await writeReports(place, run, this.#also);
    return {
      raw,
      json: join(place, 'result.json'),
      markdown: join(place, 'report.md'),
      html: join(place, 'report.html'),
    };
  }
}

async function madeIn(out: string, run: Run): Promise<string> {
  await mkdir(out, { recursive: true });
  return newFolder(join(out, folderName(run)));
}

/** Reads raw data. Throws `UnreadableRun` for another format, another version or a broken file. */
export async function readRun(path: string): Promise<Run> {
  return readResultFile(runFile, path);
}

const twinsMax = 100;

/** Two runs in the same second get separate folders: raw data is never overwritten. */
async function newFolder(path: string): Promise<string> {
  for (let twin = 1; twin <= twinsMax; twin += 1) {
    const folder = twin === 1 ? path : `${path}-${twin}`;
    const made = await mkdir(folder).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (made) return folder;
  }
  throw new Error(`${path} and ${twinsMax - 1} more folders of that name exist`);
}

/** Written next to it and then renamed: a reader sees the old one, the new one, or briefly none. */
async function replaceLatest(latest: string, run: Run, also: readonly Section[]): Promise<void> {
  const next = `${latest}.${process.pid}`;
  await mkdir(next, { recursive: true });
  await writeReports(next, run, also);
  await rm(latest, { recursive: true, force: true });
  await rename(next, latest);
}

async function writeReports(folder: string, run: Run, also: readonly Section[]): Promise<void> {
  const summary = summarize(run);
  const report = compareReport(summary);
  const page = { ...report, sections: [...report.sections, ...also] };
  await Promise.all([
    writeFile(join(folder, 'result.json'), `${JSON.stringify(summary, null, 2)}\n`),
    writeFile(join(folder, 'report.md'), reportMarkdown(report)),
    writeFile(join(folder, 'report.html'), reportHtml(page)),
    writeFile(join(folder, 'matrix.json'), matrixText(matrixOf(summary))),
  ]);
}
