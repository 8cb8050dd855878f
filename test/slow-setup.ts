import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import type {} from './fixtures/program.ts';
import { root } from './house/sources.ts';

/** Beside the sources, where what was compiled finds its packages and its version. */
const folder = '.built';

/** Compiles the programs once: a start from the sources takes a second of processor more. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const build = join(root, 'scripts', 'build.mjs');
  await promisify(execFile)(process.execPath, [build, folder], { cwd: root, timeout: 300_000 });
  project.provide('builtFolder', folder);
  return () => rm(join(root, folder), { recursive: true, force: true });
}
