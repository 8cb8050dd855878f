/** Results on disk: `<out>/<time>-<commit>/run.json` is raw and never changes, `<out>/latest/` is derived. */

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderName } from '../lab/files.ts';
import { readResultFile } from '../lab/result-file.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
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

/** Writes the raw data to a new folder and replaces `latest`. */
export async function writeRun(out: string, run: Run): Promise<WrittenFiles> {
  await mkdir(out, { recursive: true });
  const folder = await newFolder(join(out, folderName(run)));
  const raw = join(folder, 'run.json');
  await writeFile(raw, `${JSON.stringify(runSchema.parse(run))}\n`);
  const latest = join(out, 'latest');
  await replaceLatest(latest, run);
  return {
    raw,
    json: join(latest, 'result.json'),
    markdown: join(latest, 'report.md'),
    html: join(latest, 'report.html'),
  };
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
async function replaceLatest(latest: string, run: Run): Promise<void> {
  const summary = summarize(run);
  const report = compareReport(summary);
  const next = `${latest}.${process.pid}`;
  await mkdir(next, { recursive: true });
  await Promise.all([
    writeFile(join(next, 'result.json'), `${JSON.stringify(summary, null, 2)}\n`),
    writeFile(join(next, 'report.md'), reportMarkdown(report)),
    writeFile(join(next, 'report.html'), reportHtml(report)),
    writeFile(join(next, 'matrix.json'), matrixText(matrixOf(summary))),
  ]);
  await rm(latest, { recursive: true, force: true });
  await rename(next, latest);
}
