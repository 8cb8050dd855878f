/**
 * Debian's and Ubuntu's apt-get with all its state in our own folder: needs no root and does not
 * touch the system's state. apt verifies signatures as usual.
 */
import { access, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import type { Exit, Keeper } from './keeper.ts';

const updateMs = 90_000;
const downloadMs = 60_000;
const unpackMs = 20_000;
/** Limit for everything, over both tries: longer means that there is no usable network. */
const fetchMs = 150_000;

/** An apt-get with private state. */
export interface Apt {
  readonly keeper: Keeper;
  /** The folder of apt-get, dpkg-deb and ldd: /usr/bin. */
  readonly tools: string;
  /** Contains apt's state and, in `unpacked`, the packages' files. Its creator removes it. */
  readonly at: string;
  readonly env: Readonly<Record<string, string>>;
  /** On the clock of performance.now(). */
  readonly deadlineMs: number;
}

/** Clears hooks, since they modify the system's own folders after an update. */
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

/** Runs one of apt's tools in the state folder. Rejects with its output if it fails. */
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

/** Prepares the folder, which must exist and be empty. Downloads nothing yet. */
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
 * Downloads package lists and packages: first from the distribution's own sources only, since added
 * ones may be unreachable, then from all sources. Rejects with both reasons.
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
      warnings = tail.match(/^[WE]: .*$/gm) ?? []; // update succeeds even if a source is unreachable
      return await unpackPackages(apt, packages);
    } catch (error) {
      reasons.push(errorMessage(error), ...warnings);
    }
  }
  throw new Error(reasons.join('\n'));
}

/** Downloads and unpacks packages; returns the library packages that they depend on. */
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
  // A libc other than the system's own would break any program that loads it.
  return needed.filter(name => name.startsWith('lib') && !name.startsWith('libc6'));
}
