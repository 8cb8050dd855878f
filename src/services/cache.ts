import { randomBytes } from 'node:crypto';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import { runsAsRoot } from './account.ts';
import type { Keeper } from './keeper.ts';

/** Maximum number of parent folders to check. */
const depthMax = 64;
const temporaryPrefix = '.new-';
/** Longer than any installation takes. */
const outdatedMs = 24 * 3_600_000;

/**
 * Whether every user may traverse the folder, so that another uid can execute binaries below it.
 */
export async function traversable(folder: string): Promise<boolean> {
  let at = folder;
  for (let depth = 0; depth < depthMax; depth += 1) {
    if (((await stat(at)).mode & 0o001) === 0) return false;
    if (dirname(at) === at) return true;
    at = dirname(at);
  }
  return false;
}

/** Why the folder cannot serve as the cache; undefined if it can. Creates it if missing. */
async function unsuitableReason(folder: string): Promise<string | undefined> {
  try {
    await mkdirForAll(folder);
    const { uid, mode } = await lstat(folder);
    // Binaries here are executed, so nobody else may be able to write here.
    if (uid !== process.getuid?.() || (mode & 0o022) !== 0) return 'other users may write there';
    if (runsAsRoot() && !(await traversable(folder))) return 'other users may not traverse it';
    const probe = join(folder, temporaryName());
    await mkdir(probe);
    await rmdir(probe);
    return undefined;
  } catch (error) {
    return errorMessage(error);
  }
}

/** Creates the folder and its parents, traversable for everybody whatever the umask. */
async function mkdirForAll(folder: string): Promise<void> {
  const topmost = await mkdir(folder, { recursive: true });
  if (topmost === undefined) return;
  for (let at = folder; at.length >= topmost.length; at = dirname(at)) await chmod(at, 0o755);
}

/** A unique name for a temporary sibling of what is being installed. */
export function temporaryName(): string {
  return `${temporaryPrefix}${randomBytes(6).toString('hex')}`;
}

function candidates(env: NodeJS.ProcessEnv): string[] {
  const own = env.XDG_CACHE_HOME ? [join(env.XDG_CACHE_HOME, 'lockstep')] : [];
  const usual = runsAsRoot() ? '/var/cache/lockstep' : join(homedir(), '.cache', 'lockstep');
  const last = join(tmpdir(), `lockstep-cache-${process.getuid?.() ?? 0}`);
  return [...own, usual, last];
}

/**
 * The folder for binaries cached between runs: `$XDG_CACHE_HOME/lockstep` if set, otherwise
 * /var/cache/lockstep (root) or ~/.cache/lockstep, otherwise one in the temp folder. For root it
 * must be traversable by other users, who run the servers.
 */
export async function cacheFolder(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const reasons: string[] = [];
  for (const folder of candidates(env)) {
    const reason = await unsuitableReason(folder);
    if (reason === undefined) return folder;
    reasons.push(`${folder}: ${reason}`);
  }
  throw new Error(
    `No usable cache folder for server binaries; set XDG_CACHE_HOME.\n${reasons.join('\n')}`,
  );
}

/**
 * Returns the result of `works` for the folder `place` in the cache. If that is undefined, `fill`
 * creates a temporary sibling, which is then renamed to `place`. Safe in several processes at once:
 * the first rename wins, the others use its result. The keeper removes what an interrupted run
 * leaves.
 */
export async function installed<T>(
  keeper: Keeper,
  place: string,
  works: (folder: string) => Promise<T | undefined>,
  fill: (folder: string) => Promise<void>,
): Promise<T> {
  const before = await works(place);
  if (before !== undefined) return before;
  await removeOutdated(keeper, dirname(place));
  const fresh = join(dirname(place), temporaryName());
  await keeper.own(fresh);
  try {
    await mkdir(fresh);
    await chmod(fresh, 0o755); // whatever the umask
    await fill(fresh);
    if ((await works(fresh)) === undefined) throw new Error(`${place} does not run here`);
    if (!(await moved(fresh, place))) {
      const first = await works(place);
      if (first !== undefined) return first;
      await discard(keeper, place); // partly deleted by hand, or corrupted
      await moved(fresh, place);
    }
  } finally {
    // A closed keeper has removed the folder, but `fill` may have continued.
    await keeper.remove(fresh).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  const after = await works(place);
  if (after === undefined) throw new Error(`${place} was installed but does not run`);
  return after;
}

/** Removes old temporary folders: leftovers of a power loss that no keeper could remove. */
async function removeOutdated(keeper: Keeper, cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    const path = join(cache, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > outdatedMs) await keeper.remove(path);
  }
}

/** Renames; false if another process was faster. */
async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOTEMPTY' || errorCode(error) === 'EEXIST') return false;
    throw error;
  }
}

async function discard(keeper: Keeper, place: string): Promise<void> {
  const broken = join(dirname(place), temporaryName());
  await keeper.own(broken);
  await rename(place, broken);
  await keeper.remove(broken);
}

/** The code of a system error (`EEXIST`); undefined for other errors. */
export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Copies a folder, readable for all and executable for all where it is for the owner. */
export async function copyForAll(
  from: string,
  to: string,
  wanted: (path: string) => boolean,
): Promise<void> {
  await mkdir(to, { recursive: false });
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (!wanted(source)) continue;
    if (entry.isDirectory()) await copyForAll(source, target, wanted);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    else {
      await copyFile(source, target);
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644);
    }
  }
}
