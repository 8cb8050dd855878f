/** Finds the load generator k6: from K6_PATH, installed, cached, or built with Go. */
import { copyFile, mkdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import { cacheFolder, installed } from './cache.ts';
import type { Keeper } from './keeper.ts';

/** The version that is built if none is found, and that CI uses. */
export const k6Pinned = 'v1.8.1';
/** The oldest version that the scripts were tested with. */
const oldest = [1, 8] as const;

export interface K6 {
  /** Absolute path. */
  readonly command: string;
  /** "1.8.1" */
  readonly version: string;
  /** Where it comes from, for messages. */
  readonly origin: string;
}

/** k6 is not available. The message lists the options. */
export class K6Missing extends Error {
  override readonly name = 'K6Missing';
}

const waysOut = `k6 not found. Options:
- install it (https://grafana.com/docs/k6/latest/set-up/install-k6/): a package, \`brew install k6\`, or
  \`go install go.k6.io/k6@${k6Pinned}\`, with Go's bin folder in PATH
- set K6_PATH to the binary
- install Go: k6 is then built once and cached (about 2 minutes)
- run one script without npm: \`docker run --rm --network host -v "$PWD:/lockstep" grafana/k6:${k6Pinned.slice(1)}
  run -e SCENARIO=appointment -e BASE_URL=http://127.0.0.1:3000 /lockstep/bench/load/k6/scenario.ts\`
The npm package k6 is only a placeholder; do not install it.`;

const probeMs = 20_000;
const buildMs = 15 * 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

export interface K6Places {
  /** Folders to search for k6 and Go. */
  readonly folders: readonly string[];
  readonly env: Environment;
}

/** PATH, then the usual install folders. */
export function usualK6Places(env: Environment = process.env): K6Places {
  const inPath = (env.PATH ?? '').split(delimiter).filter(folder => folder.startsWith('/'));
  const known = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/snap/bin'];
  const go = ['/usr/local/go/bin', ...(env.HOME ? [join(env.HOME, 'go', 'bin')] : [])];
  return { folders: [...new Set([...inPath, ...known, ...go])], env };
}

/**
 * Tries K6_PATH, PATH, the cached copy, and `go install` of the pinned version, in this order.
 * A K6_PATH that does not run is an error. Rejects with `K6Missing`.
 */
export async function findK6(
  keeper: Keeper,
  { folders, env }: K6Places,
  report: (line: string) => void,
): Promise<K6> {
  if (env.K6_PATH) {
    return probe(keeper, env.K6_PATH, 'K6_PATH').catch(error => {
      throw new K6Missing(`K6_PATH cannot be used: ${errorMessage(error)}`);
    });
  }
  const reasons: string[] = [];
  for (const folder of folders) {
    const command = join(folder, 'k6');
    if (!(await isThere(command))) continue;
    try {
      return await probe(keeper, command, command);
    } catch (error) {
      reasons.push(errorMessage(error));
    }
  }
  try {
    return await cached(keeper, { folders, env }, report);
  } catch (error) {
    reasons.push(errorMessage(error));
  }
  throw new K6Missing(`${waysOut}\nTried:\n${reasons.map(reason => `- ${reason}`).join('\n')}`);
}

async function probe(keeper: Keeper, path: string, origin: string): Promise<K6> {
  const command = await realpath(path);
  const { tail } = await keeper.run({ name: 'k6', command, args: ['version'], env: {} }, probeMs);
  const [, version] = /\bk6 v(\d+\.\d+\.\d+)/.exec(tail) ?? [];
  if (version === undefined) throw new Error(`${path} is not k6: ${tail.trim().slice(0, 200)}`);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    throw new Error(`${path} is k6 ${version}; at least ${oldest.join('.')} is needed`);
  return { command, version, origin };
}

async function cached(keeper: Keeper, places: K6Places, report: (line: string) => void) {
  const { folders, env } = places;
  const place = join(await cacheFolder(env), `k6-${k6Pinned}-${process.platform}-${process.arch}`);
  const works = (folder: string): Promise<K6 | undefined> =>
    probe(keeper, join(folder, 'k6'), 'built with Go, cached').catch(() => undefined);
  return installed(keeper, place, works, async fresh => {
    const go = await firstThere(folders.map(folder => join(folder, 'go')));
    if (go === undefined) throw new Error('k6 cannot be built: Go is not installed');
    report(`k6 is not installed: building ${k6Pinned} with Go, once, for about 2 minutes ...`);
    await build(keeper, go, { fresh, env });
    report(`Built k6; cached in ${place}.`);
  });
}

/** Builds in a temporary folder: sources and objects take 2 GB and are not needed again. */
async function build(
  keeper: Keeper,
  go: string,
  { fresh, env }: { readonly fresh: string; readonly env: Environment },
): Promise<void> {
  const scratch = await keeper.folder();
  const bin = join(scratch, 'bin');
  await mkdir(bin);
  const flags = ['-trimpath', '-ldflags=-s -w'];
  const spec = {
    name: 'go install',
    command: go,
    args: ['install', ...flags, `go.k6.io/k6@${k6Pinned}`],
    env: {
      ...goVariables(env),
      HOME: scratch,
      GOPATH: join(scratch, 'path'),
      GOCACHE: join(scratch, 'cache'),
      GOBIN: bin,
      GOFLAGS: [env.GOFLAGS, '-modcacherw'].filter(Boolean).join(' '),
    },
  };
  try {
    const { code, tail } = await keeper.run(spec, buildMs);
    if (code !== 0) throw new Error(`go install failed with code ${code}: ${tail.slice(-500)}`);
    await copyFile(join(bin, 'k6'), join(fresh, 'k6'));
  } finally {
    await keeper.remove(scratch);
  }
}

/** The variables that control how Go downloads modules. */
function goVariables(env: Environment): Record<string, string> {
  const wanted = /^(PATH|GO[A-Z]+|https?_proxy|no_proxy|SSL_CERT_(FILE|DIR))$/i;
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && wanted.test(name) ? [[name, value]] : [],
    ),
  );
}

const isThere = (path: string): Promise<boolean> =>
  realpath(path).then(
    () => true,
    () => false,
  );

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isThere(path)) return path;
  return undefined;
}
