/** Reads results of any command, by the format named in the file. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readRun } from '../compare/files.ts';
import { type Run, runFormat } from '../compare/schema.ts';
import { type FloorsResult, floorsFile, floorsFormat } from '../floors/schema.ts';
import { UnreadableRun } from '../lab/files.ts';
import { formatOf, readResultFile, textOfResult } from '../lab/result-file.ts';
import { type BenchRun, readBench } from '../load/files.ts';
import { benchFormat } from '../load/schema.ts';

/** A result of `compare`, `load` or `floors`. */
export type Result =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'bench'; readonly bench: BenchRun }
  | { readonly kind: 'floors'; readonly floors: FloorsResult };

/** The raw files of `compare`, `load` and `floors`. */
const rawFiles = ['run.json', 'plan.json', 'floors.json'] as const;

/**
 * Reads and checks a result, given its folder or raw file. Throws `UnreadableRun` for another format or
 * version, with what to do.
 */
export async function readResult(path: string): Promise<Result> {
  const file = (await isFolder(path)) ? await rawIn(path) : path;
  switch (formatOf(await textOfResult(file))) {
    case runFormat:
      return { kind: 'run', run: await readRun(file) };
    case benchFormat:
      return { kind: 'bench', bench: await readBench(dirname(file)) };
    case floorsFormat:
      return { kind: 'floors', floors: await readResultFile(floorsFile, file) };
    default:
      throw new UnreadableRun(
        `${file} is not a result; expected the format ${runFormat}, ${benchFormat} or ${floorsFormat}`,
      );
  }
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    found => found.isDirectory(),
    () => false,
  );
}

async function rawIn(folder: string): Promise<string> {
  for (const name of rawFiles) {
    const file = join(folder, name);
    const there = await stat(file).then(
      () => true,
      () => false,
    );
    if (there) return file;
  }
  throw new UnreadableRun(
    `${folder} contains no result (${rawFiles.join(', ')}). results/latest is derived: use the ` +
      'folder with the time in its name.',
  );
}
