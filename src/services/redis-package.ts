/** Redis from the distribution's package, unpacked into the cache without installing it. */
import { access, chmod, copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Apt, aptTool, fetchPackages, openApt, unpackPackages } from './apt.ts';
import { cacheFolder, installed } from './cache.ts';
import type { Keeper } from './keeper.ts';
import { probeRedis, type RedisBinary } from './redis-probe.ts';

/** Libraries may depend on others; needing more rounds means that something else is wrong. */
const roundsMax = 6;

/** "redis-debian-12-x64": binaries of one release do not run on another. */
async function placeName(): Promise<string> {
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const field = (name: string) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1];
  const distribution = [field('ID') ?? 'linux', field('VERSION_ID') ?? field('VERSION_CODENAME')];
  return ['redis', ...distribution.filter(part => part !== undefined), process.arch].join('-');
}

/** Maps "libjemalloc.so.2" and "libjemalloc2", or "libssl.so.3" and "libssl3t64", to one name. */
function plainName(name: string): string {
  return name
    .replace('.so', '')
    .replace(/t64$/, '')
    .replace(/[^a-z0-9]/gi, '')
    .toLowerCase();
}

async function copyLibraries(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory() || !/\.so(\.|$)/.test(entry.name)) continue;
    await copyFile(join(entry.parentPath, entry.name), join(to, entry.name));
    await chmod(join(to, entry.name), 0o755);
  }
}

/** Adds the libraries that the system lacks, in one folder next to the binary. */
async function completeLibraries(apt: Apt, fresh: string, needed: string[]): Promise<void> {
  const libraries = join(fresh, 'lib');
  const unpacked = new Set<string>();
  for (let round = 0; round < roundsMax; round += 1) {
    await copyLibraries(join(apt.at, 'unpacked'), libraries);
    const env = { LD_LIBRARY_PATH: libraries };
    const { tail } = await aptTool(apt, 'ldd', [join(fresh, 'bin', 'redis-server')], { env });
    const missing = [...tail.matchAll(/^\s*(\S+) => not found/gm)].map(match => match[1] ?? '');
    if (missing.length === 0) return;
    const names = new Set(missing.map(plainName));
    const left = [...new Set(needed)].filter(name => !unpacked.has(name));
    const named = left.filter(name => names.has(plainName(name)));
    const next = named.length > 0 ? named : left; // fallback: a package name that does not follow the convention
    if (next.length === 0) throw new Error(`no package provides ${missing.join(', ')}`);
    for (const name of next) unpacked.add(name);
    needed.push(...(await unpackPackages(apt, next)));
  }
  throw new Error(`the libraries of redis-server are still missing after ${roundsMax} rounds`);
}

async function fill(keeper: Keeper, tools: string, env: NodeJS.ProcessEnv, fresh: string) {
  const at = join(fresh, 'apt');
  await mkdir(at);
  const apt = await openApt(keeper, tools, at, env);
  const needed = await fetchPackages(apt, ['redis-server', 'redis-tools']);
  for (const folder of ['bin', 'lib']) {
    await mkdir(join(fresh, folder));
    await chmod(join(fresh, folder), 0o755);
  }
  const server = join(fresh, 'bin', 'redis-server');
  // The server is a link to a binary of redis-tools that chooses its role by its name.
  await copyFile(join(at, 'unpacked', 'usr', 'bin', 'redis-server'), server);
  await chmod(server, 0o755);
  await completeLibraries(apt, fresh, needed);
  await keeper.remove(at);
  await probeRedis(keeper, server, { LD_LIBRARY_PATH: join(fresh, 'lib') }); // rejects with the reason
}

/**
 * Returns the packaged Redis from the cache, downloaded on first use: about 4 s and 11 MB, of which
 * 10 MB are package lists that are not kept. Rejects if the system has no apt, or if apt fails.
 */
export async function packagedRedis(
  keeper: Keeper,
  tools: string | undefined,
  env: NodeJS.ProcessEnv,
  report: (line: string) => void,
): Promise<RedisBinary> {
  if (tools === undefined) throw new Error(`apt is not available on ${process.platform}`);
  for (const name of ['apt-get', 'dpkg-deb', 'ldd']) await access(join(tools, name));
  const place = join(await cacheFolder(env), await placeName());
  let downloadMs = 0;
  const works = async (folder: string): Promise<RedisBinary | undefined> => {
    const command = join(folder, 'bin', 'redis-server');
    const there = await access(command).then(
      () => true,
      () => false,
    );
    if (!there) return undefined;
    const libraries = { LD_LIBRARY_PATH: join(folder, 'lib') };
    const found = await probeRedis(keeper, command, libraries).catch(() => undefined);
    return (
      found && { ...found, origin: "the distribution's package, unpacked in the cache", downloadMs }
    );
  };
  return installed(keeper, place, works, async fresh => {
    report("Redis is not installed: downloading the distribution's package into the cache ...");
    const startMs = performance.now();
    await fill(keeper, tools, env, fresh);
    downloadMs = performance.now() - startMs;
    report(`Downloaded Redis in ${(downloadMs / 1_000).toFixed(1)} s; cached in ${place}.`);
  });
}
