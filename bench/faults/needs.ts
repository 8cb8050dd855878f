/** What faults need beyond npm, and how to get it. */

import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { Need } from './fault.ts';

/** Searched after PATH: an ordinary user's has no sbin. */
const usualFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];

/** The absolute path of a program; `variable` names an own place. */
async function programOf(name: string, variable: string): Promise<string | undefined> {
  const { PATH = '', [variable]: own } = process.env;
  const folders = [...PATH.split(delimiter).filter(one => one.startsWith('/')), ...usualFolders];
  return firstThere(own ? [own] : folders.map(folder => join(folder, name)), constants.X_OK);
}

async function firstThere(paths: readonly string[], mode: number): Promise<string | undefined> {
  for (const path of paths)
    if (
      await access(path, mode).then(
        () => true,
        () => false,
      )
    )
      return path;
  return undefined;
}

export const pgBouncerProgram = (): Promise<string | undefined> =>
  programOf('pgbouncer', 'PGBOUNCER_PATH');

export const pgBouncerNeed: Need = {
  what: 'PgBouncer',
  install: 'apt-get install pgbouncer, or PGBOUNCER_PATH=…',
  found: async () => (await pgBouncerProgram()) !== undefined,
};

/** The library that gives a program another clock; that for programs with threads. */
export async function fakeTimeLibrary(): Promise<string | undefined> {
  const own = process.env.FAKETIME_PATH;
  const roots = ['/usr/lib', '/usr/lib64', '/usr/local/lib'];
  const folders = await Promise.all(
    roots.map(async root => {
      const below = await readdir(root).catch(() => []);
      return ['', ...below.filter(name => name.endsWith('-linux-gnu'))].map(name =>
        join(root, name, 'faketime', 'libfaketimeMT.so.1'),
      );
    }),
  );
  return firstThere(own ? [own] : folders.flat(), constants.R_OK);
}

export const fakeTimeNeed: Need = {
  what: 'libfaketime',
  install: 'apt-get install libfaketime, or FAKETIME_PATH=…',
  found: async () => (await fakeTimeLibrary()) !== undefined,
};

const mountMs = 5_000;

export const smallDiskNeed: Need = {
  what: 'the right to mount a file system (root, or CAP_SYS_ADMIN in a container)',
  install:
    'run as root; in a container with --cap-add SYS_ADMIN --security-opt apparmor=unconfined',
  async found() {
    const run = promisify(execFile);
    const folder = await mkdtemp(join(tmpdir(), 'lockstep-mount-'));
    const limit = { timeout: mountMs };
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'lockstep', folder], limit);
      await run('umount', [folder], limit);
      return true;
    } catch {
      return false;
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  },
};
