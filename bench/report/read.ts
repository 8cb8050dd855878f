/** Every result of ours, whichever command wrote it: one reader, which goes by what the file says it is. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseRun } from '../compare/files.ts';
import { type Run, runFormat } from '../compare/schema.ts';
import { type FloorsResult, floorsFormat, floorsSchema, floorsVersion } from '../floors/schema.ts';
import { UnreadableRun } from '../lab/files.ts';
import { type BenchRun, readBench } from '../load/files.ts';
import { benchFormat } from '../load/schema.ts';

/** What `compare`, `bench` and `floors` write. */
export type Result =
  | { readonly kind: 'run'; readonly run: Run }
  | { readonly kind: 'bench'; readonly bench: BenchRun }
  | { readonly kind: 'floors'; readonly floors: FloorsResult };

/** The raw data in a folder, by the command that wrote it. */
const rawFiles = ['run.json', 'plan.json', 'floors.json'] as const;

const head = z.object({ format: z.string(), version: z.number() });

/**
 * Reads and checks a result: its folder, or the raw file in it. Throws `UnreadableRun` for what is
 * none, or of another version, with what to do.
 */
export async function readResult(path: string): Promise<Result> {
  const file = (await isFolder(path)) ? await rawIn(path) : path;
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) throw new UnreadableRun(`${file} is not there`);
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
        `${file} is no result: it has to be a ${runFormat}, a ${benchFormat} or ${floorsFormat}`,
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
  throw new UnreadableRun(`${file} cannot be read:\n${z.prettifyError(read.error)}`);
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
    `${folder} holds no result: there is none of ${rawFiles.join(', ')} in it. ` +
      'results/latest is derived; name the folder with the time in its name.',
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
