/** The conditions of a run: code, versions, machine, servers. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { arch, cpus, release, totalmem, type } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import type { Server } from '../../src/services/index.ts';
import type { Conditions } from './shapes.ts';
import type { Stack } from './stack.ts';

/** Collects them. Works without git: see `commitOf`. */
export async function conditionsOf(
  stack: Pick<Stack, 'services' | 'durability' | 'settings'>,
): Promise<Conditions> {
  const { services, durability, settings } = stack;
  const postgres = serverOf(services.postgres);
  return {
    ...(await ownConditions()),
    postgres: { ...postgres, settings: { ...postgres.settings, ...durability } },
    redis: serverOf(services.redis),
    redisNodes: services.redisNodes.map(serverOf),
    service: { ...settings },
  };
}

/** The code and the machine. */
export async function ownConditions(): Promise<
  Pick<Conditions, 'commit' | 'changed' | 'code' | 'version' | 'node' | 'packages' | 'machine'>
> {
  const own = await ownPackage();
  const { commit, changed } = await commitOf(own.folder);
  const [processor] = cpus();
  return {
    commit: commit ?? `v${own.version}`,
    changed,
    code: await codeOf(codeFolder),
    version: own.version,
    node: process.versions.node,
    packages: own.dependencies,
    machine: {
      system: `${type()} ${release()} ${arch()}`,
      processor: processor?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGiB: Math.round(totalmem() / 2 ** 30),
    },
  };
}

/** Without the address: it may contain a password, and differs from run to run. */
function serverOf({ product, version, origin, settings }: Server): Conditions['postgres'] {
  return { product, version, origin, settings: { ...settings } };
}

const manifest = z.object({
  name: z.literal('lockstep'),
  version: z.string(),
  dependencies: z.record(z.string(), z.string()),
});

const foldersUpMax = 4;

/** Lockstep's package.json, in a folder above the sources or the compiled files. */
async function ownPackage(): Promise<z.infer<typeof manifest> & { folder: string }> {
  let folder = dirname(fileURLToPath(import.meta.url));
  for (let up = 0; up < foldersUpMax; up += 1, folder = dirname(folder)) {
    const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined);
    const read = manifest.safeParse(text === undefined ? undefined : JSON.parse(text));
    if (read.success) return { ...read.data, folder };
  }
  throw new Error(`no package.json of lockstep in the ${foldersUpMax} folders from ${folder} up`);
}

/** Above the sources or the compiled files, whichever run. */
const codeFolder = fileURLToPath(new URL('../../', import.meta.url));

/** A hash of all files that can run. It needs no git, and tells two edits of one commit apart. */
export async function codeOf(folder: string): Promise<string> {
  const hash = createHash('sha256');
  for (const part of ['bench', 'src', 'strategies']) {
    const found = await readdir(join(folder, part), { recursive: true, withFileTypes: true });
    const files = found.filter(one => one.isFile()).map(one => join(one.parentPath, one.name));
    for (const file of files.toSorted())
      hash.update(`${relative(folder, file)}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

const run = promisify(execFile);
const gitMs = 5_000;

async function commitOf(folder: string): Promise<{ commit?: string; changed: boolean | null }> {
  const git = async (...args: string[]): Promise<string> =>
    (await run('git', ['-C', folder, ...args], { timeout: gitMs })).stdout.trim();
  try {
    const commit = await git('rev-parse', 'HEAD');
    return { commit, changed: (await git('status', '--porcelain')) !== '' };
  } catch {
    const commit = await commitInFiles(folder); // no git, or a checkout owned by another user
    return { ...(commit !== undefined && { commit }), changed: null };
  }
}

async function commitInFiles(folder: string): Promise<string | undefined> {
  const read = (...path: string[]): Promise<string | undefined> =>
    readFile(join(folder, '.git', ...path), 'utf8').then(
      text => text.trim(),
      () => undefined,
    );
  const head = await read('HEAD');
  if (head === undefined || !head.startsWith('ref: ')) return head;
  const ref = head.slice('ref: '.length);
  const packed = await read('packed-refs');
  const line = packed?.split('\n').find(row => row.endsWith(` ${ref}`));
  return (await read(...ref.split('/'))) ?? line?.split(' ')[0];
}
