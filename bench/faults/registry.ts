/** Reads the folder of faults: what lies in it takes part. */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { z } from 'zod';
import { errorMessage } from '../../src/error-message.ts';
import { didYouMean } from '../../src/explore/nearest.ts';
import { UsageError } from '../lab/command-line.ts';
import { type Fault, faultShape, type NamedFault } from './fault.ts';

/** Where our own faults live. */
export const faultsFolder = fileURLToPath(new URL('./faults', import.meta.url));

/** All faults of a folder, by name. Throws `UsageError` with every problem at once. */
export async function loadFaults(folder = faultsFolder): Promise<ReadonlyMap<string, NamedFault>> {
  const files = (await readdir(folder)).filter(name => /^[a-z0-9-]+\.[jt]s$/.test(name)).sort();
  const problems: string[] = [];
  const faults = new Map<string, NamedFault>();
  for (const file of files) {
    const name = basename(file).replace(/\.[jt]s$/, '');
    const read = await faultOf(join(folder, file));
    if (typeof read === 'string') problems.push(`- ${file}: ${read}`);
    else faults.set(name, { ...read, name });
  }
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return faults;
}

async function faultOf(file: string): Promise<Fault | string> {
  try {
    const module: { readonly default?: unknown } = await import(pathToFileURL(file).href);
    return isFault(module.default) ? module.default : problemOf(module.default);
  } catch (error) {
    return errorMessage(error);
  }
}

const isFault = (value: unknown): value is Fault => faultShape.safeParse(value).success;

function problemOf(value: unknown): string {
  const { error } = faultShape.safeParse(value);
  return error ? z.prettifyError(error) : 'it has no default export';
}

/** The faults of these names; all of them where none is named. Throws `UsageError`. */
export function faultsNamed(
  faults: ReadonlyMap<string, NamedFault>,
  names: readonly string[],
): readonly NamedFault[] {
  if (names.length === 0 || names.includes('all')) return [...faults.values()];
  return names.map(name => {
    const found = faults.get(name);
    if (found) return found;
    const known = [...faults.keys()];
    throw new UsageError(
      `there is no fault '${name}'${didYouMean(name, known)}; there are ${known.join(', ')}`,
    );
  });
}
