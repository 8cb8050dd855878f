/** `npm run readme`: puts the matrix of the committed run into the README. */
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withMatrix } from './report/readme.ts';
import { readRun } from './results/files.ts';
import { summarize } from './results/summary.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const source = 'docs/runs/appointment.json';

/** The README as it should be. */
export async function generatedReadme(): Promise<string> {
  const summary = summarize(await readRun(join(root, source)));
  return withMatrix(await readFile(join(root, 'README.md'), 'utf8'), summary, source);
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  await writeFile(join(root, 'README.md'), await generatedReadme());
