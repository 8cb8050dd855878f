/** Reads results of any command, by the format named in the file. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRun } from '../compare/files.ts';
import { type Run, runFormat } from '../compare/schema.ts';
import { type FloorsResult, floorsFormat, floorsSchema, floorsVersion } from '../floors/schema.ts';
import { UnreadableRun } from '../lab/files.ts';
import { type BenchRun, readBench } from '../load/files.ts';
import { benchFormat } from '../load/schema.ts';

/** A result of `compare`, `load` or `floors`. */
export type Result =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'bench'; readonly bench: BenchRun }
  | { readonly kind: 'floors'; readonly floors: FloorsResult };

/** The raw files of `compare`, `load` and `floors`. */
const rawFiles = ['run.json', 'plan.json', 'floors.json'] as const;

const head = z.object({ format: z.string(), version: z.number() });

/**
 * Reads and checks a result, given its folder or raw file. Throws `UnreadableRun` for another format or
 * version, with what to do.
 */
export async function readResult(path: string): Promise<Result> {
  const file = (await isFolder(path)) ? await rawIn(path) : path;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) throw new UnreadableRun(`cannot read ${file}`);
  const known = head.safeParse(parsed(text)).data;
  switch (known?.format) {
    case runFormat:
      return { kind: 'run', run: parseRun(text, file) };
    case benchFormat:
      return { kind: 'bench', bench: await readBench(join(file, '..')) };
    case floorsFormat:
      return { kind: 'floors', floors: floorsOf(text, file, known.version) };
    default:
      throw new UnreadableRun(
        `${file} is not a result; expected the format ${runFormat}, ${benchFormat} or ${floorsFormat}`,
      );
  }
}

function floorsOf(text: string, file: string, version: number): FloorsResult {
  if (version !== floorsVersion)
    throw new UnreadableRun(
      `${file} has version ${version}; this program reads version ${floorsVersion}`,
    );
  const read = floorsSchema.safeParse(parsed(text));
  if (read.success) return read.data;
  throw new UnreadableRun(`${file} does not match the format:\n${z.prettifyError(read.error)}`);
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
