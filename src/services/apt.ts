/**
 * Debian's and Ubuntu's apt-get with all of its state in a folder of ours: it needs no root then,
 * and leaves no trace in the system's own state. Signatures are checked by apt as always.
 */
import { access, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import type { Exit, Keeper } from './keeper.ts';

const updateMs = 90_000;
const downloadMs = 60_000;
const unpackMs = 20_000;
/** All of it, over both tries: who waits for longer has no network to speak of. */
const fetchMs = 150_000;

/** An apt-get of our own. */
export interface Apt {
  readonly keeper: Keeper;
  /** The folder of apt-get, dpkg-deb and ldd: /usr/bin. */
  readonly tools: string;
  /** Holds apt's state and, below `unpacked`, what the packages hold. Whoever made it removes it. */
  readonly at: string;
  readonly env: Readonly<Record<string, string>>;
  /** By performance.now(). */
  readonly deadlineMs: number;
}

/** Hooks are cleared, since they tidy and refresh the system's own folders after an update. */
function configuration(at: string): string {
  return `
#clear APT::Update;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
Dir::State "${at}/state";
Dir::State::Lists "lists/";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "${at}/cache";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Debug::NoLocking "1";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::http::Timeout "15";
Acquire::https::Timeout "15";
Acquire::Retries "1";
`;
}

function environment(env: NodeJS.ProcessEnv): Record<string, string> {
  const proxies = [
    'http_proxy',
    'https_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'no_proxy',
    'NO_PROXY',
  ];
  const kept = proxies.flatMap(name => {
    const value = env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  return {
    ...Object.fromEntries(kept),
    PATH: path,
    LC_ALL: 'C',
    DEBIAN_FRONTEND: 'noninteractive',
  };
}

/** Runs one of apt's tools in the folder of the state. Rejects, with its output, unless it succeeds. */
export async function aptTool(
  apt: Apt,
  name: 'apt-get' | 'dpkg-deb' | 'ldd',
  args: readonly string[],
  options: { readonly withinMs?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Exit> {
  const env = { ...apt.env, ...options.env };
  const spec = { name, command: join(apt.tools, name), args, env, cwd: apt.at };
  const leftMs = Math.max(0, Math.round(apt.deadlineMs - performance.now()));
  const exit = await apt.keeper.run(spec, Math.min(leftMs, options.withinMs ?? unpackMs));
  if (exit.code === 0) return exit;
  throw new Error(`${name} ${args.join(' ')} failed: ${exit.tail.slice(-1_000)}`);
}

/** Prepares the folder, which exists and is empty. Nothing is fetched yet. */
export async function openApt(
  keeper: Keeper,
  tools: string,
  at: string,
  env: NodeJS.ProcessEnv,
): Promise<Apt> {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'sources', 'unpacked']) {
    await mkdir(join(at, folder), { recursive: true });
  }
  for (const name of ['debian.sources', 'ubuntu.sources']) {
    const file = join('/etc/apt/sources.list.d', name);
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (there) await symlink(file, join(at, 'sources', name));
  }
  const deadlineMs = performance.now() + fetchMs;
  return { keeper, tools, at, env: environment(env), deadlineMs };
}

/**
 * Fetches the lists of packages and then the packages: from the distribution's own sources, since
 * added ones may not answer; from all sources only where that fails. Rejects with both reasons.
 */
export async function fetchPackages(apt: Apt, packages: readonly string[]): Promise<string[]> {
  const reasons: string[] = [];
  for (const sources of [join(apt.at, 'sources'), '/etc/apt/sources.list.d']) {
    const settings = `${configuration(apt.at)}Dir::Etc::SourceParts "${sources}";\n`;
    await writeFile(join(apt.at, 'apt.conf'), settings);
    let warnings: string[] = [];
    try {
      const args = ['-q', '-c', 'apt.conf', 'update'];
      const { tail } = await aptTool(apt, 'apt-get', args, { withinMs: updateMs });
      warnings = tail.match(/^[WE]: .*$/gm) ?? []; // it also succeeds where a source did not answer
      return await unpackPackages(apt, packages);
    } catch (error) {
      reasons.push(errorMessage(error), ...warnings);
    }
  }
  throw new Error(reasons.join('\n'));
}

/** Downloads packages and unpacks them; resolves with the libraries' packages that they need. */
export async function unpackPackages(apt: Apt, packages: readonly string[]): Promise<string[]> {
  const before = new Set(await readdir(apt.at));
  const args = ['-q', '-c', 'apt.conf', 'download', ...packages];
  await aptTool(apt, 'apt-get', args, { withinMs: downloadMs });
  const after = await readdir(apt.at);
  const needed: string[] = [];
  for (const file of after.filter(name => name.endsWith('.deb') && !before.has(name))) {
    await aptTool(apt, 'dpkg-deb', ['-x', file, 'unpacked']);
    const { tail } = await aptTool(apt, 'dpkg-deb', ['-f', file, 'Depends']);
    needed.push(...tail.split(',').map(item => item.trim().split(/[ |:(]/)[0] ?? ''));
  }
  // Another libc than the system's own would break whatever loads it.
  return needed.filter(name => name.startsWith('lib') && !name.startsWith('libc6'));
}
