/** The one reader of result files: format, version and shape are checked, and a mistake is told in words. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { errorMessage } from '../../src/error-message.ts';
import { UnreadableRun } from './files.ts';

/** A format of result files, and the version that this program reads. */
export interface ResultFormat<T> {
  readonly format: string;
  readonly version: number;
  readonly shape: z.ZodType<T>;
}

const head = z.object({ format: z.string(), version: z.number() });

/** Reads a file. Throws `UnreadableRun` for another format or version, or a broken or missing file. */
export async function readResultFile<T>(format: ResultFormat<T>, path: string): Promise<T> {
  return parseResult(format, await textOfResult(path), path);
}

/** The text of a file. Throws `UnreadableRun` if it cannot be read. */
export async function textOfResult(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new UnreadableRun(`cannot read ${path}: ${errorMessage(error)}`);
  });
}

/** Reads the text of a file; `path` is for messages. Throws `UnreadableRun`. */
export function parseResult<T>(
  { format, version, shape }: ResultFormat<T>,
  text: string,
  path: string,
): T {
  const json = parsed(text, path);
  const known = head.safeParse(json).data;
  if (known?.format !== format) throw new UnreadableRun(`${path} is not a ${format}`);
  if (known.version !== version)
    throw new UnreadableRun(
      `${path} has version ${known.version}; this program reads version ${version}. ` +
        'Read it with the commit that wrote it.',
    );
  const read = shape.safeParse(json);
  if (read.success) return read.data;
  throw new UnreadableRun(
    `${path} does not match version ${version} of the format:\n${z.prettifyError(read.error)}`,
  );
}

/** The format that a file names; undefined if it names none. */
export function formatOf(text: string): string | undefined {
  try {
    return head.safeParse(JSON.parse(text)).data?.format;
  } catch {
    return undefined;
  }
}

function parsed(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnreadableRun(`${path} is not JSON: ${errorMessage(error)}`);
  }
}
