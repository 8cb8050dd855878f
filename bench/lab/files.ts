/** Result folders, and the error for files that cannot be read. */

import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorMessage } from '../../src/error-message.ts';
import { UsageError } from './command-line.ts';
import type { Conditions } from './shapes.ts';

/** A file is not a result, or not of this version. The message says what to do. */
export class UnreadableRun extends Error {
  override readonly name = 'UnreadableRun';
}

/** Name of a run's folder: sorts by time, and contains the commit that was measured. */
export function folderName({
  startedAt,
  conditions,
}: {
  readonly startedAt: string;
  readonly conditions: Pick<Conditions, 'commit'>;
}): string {
  const time = startedAt.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
  return `${time}-${conditions.commit.slice(0, 7)}`;
}

/**
 * Creates the folder, then writes and removes a file in it, before any work: a run of twenty minutes
 * must not end in EACCES. One level at a time, since Node's recursive mkdir never returns below /proc.
 * Rejects with `UsageError`; `option` is the one that sets the folder.
 */
export async function checkWritable(path: string, option = '--out'): Promise<void> {
  const probe = join(path, `.lockstep-${process.pid}`);
  try {
    await makeFolders(resolve(path));
    await writeFile(probe, '');
    await rm(probe);
  } catch (error) {
    const why = errorMessage(error);
    throw new UsageError(
      `cannot write results to ${path}: ${why}. Choose another folder with ${option}`,
    );
  }
}

async function makeFolders(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) return;
  if (found) throw new Error('it is a file');
  await makeFolders(dirname(path));
  await mkdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}
