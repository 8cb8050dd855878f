/** The load generator k6: a given one, an installed one, a cached one, or one that Go builds. */
import { copyFile, mkdir, realpath } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { errorMessage } from '../error-message.ts';
import { cacheFolder, installed } from './cache.ts';
import type { Keeper } from './keeper.ts';

/** What is built where none is found, and what CI runs. */
export const k6Pinned = 'v1.8.1';
/** The oldest on which the scripts were run. */
const oldest = [1, 8] as const;

export interface K6 {
  /** Absolute path. */
  readonly command: string;
  /** "1.8.1" */
  readonly version: string;
  /** For people. */
  readonly origin: string;
}

/** There is none, and none can be had. The message has the ways out. */
export class K6Missing extends Error {
  override readonly name = 'K6Missing';
}

const waysOut = `There is no k6 to run. Ways out:
- install it (https://grafana.com/docs/k6/latest/set-up/install-k6/): a package, \`brew install k6\`, or
  \`go install go.k6.io/k6@${k6Pinned}\`, with its folder in PATH
- set K6_PATH to the program
- install Go: then it is built here once and kept (about 2 minutes)
- run one script without npm: \`docker run --rm --network host -v "$PWD:/lockstep" grafana/k6:${k6Pinned.slice(1)}
  run -e BASE_URL=http://127.0.0.1:3000 /lockstep/bench/k6/scenarios/appointment.ts\`
The npm package called k6 is an empty placeholder; do not install that.`;

const probeMs = 20_000;
const buildMs = 15 * 60_000;

type Environment = Readonly<Record<string, string | undefined>>;

export interface K6Places {
  /** Where it may be installed, and where Go may be. */
  readonly folders: readonly string[];
  readonly env: Environment;
}

/** PATH, then where installers put programs. */
export function usualK6Places(env: Environment = process.env): K6Places {
  const inPath = (env.PATH ?? '').split(delimiter).filter(folder => folder.startsWith('/'));
  const known = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin', '/snap/bin'];
  const go = ['/usr/local/go/bin', ...(env.HOME ? [join(env.HOME, 'go', 'bin')] : [])];
  return { folders: [...new Set([...inPath, ...known, ...go])], env };
}

/**
 * K6_PATH, PATH, the cached copy, and what `go install` makes of the pinned version, in this order.
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
  if (version === undefined) throw new Error(`${path} is no k6: ${tail.trim().slice(0, 200)}`);
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < oldest[0] || (major === oldest[0] && minor < oldest[1]))
    throw new Error(`${path} is k6 ${version}; at least ${oldest.join('.')} is needed`);
  return { command, version, origin };
}

async function cached(keeper: Keeper, places: K6Places, report: (line: string) => void) {
  const { folders, env } = places;
  const place = join(await cacheFolder(env), `k6-${k6Pinned}-${process.platform}-${process.arch}`);
  const works = (folder: string): Promise<K6 | undefined> =>
    probe(keeper, join(folder, 'k6'), 'built by Go, kept in the cache').catch(() => undefined);
  return installed(keeper, place, works, async fresh => {
    const go = await firstThere(folders.map(folder => join(folder, 'go')));
    if (go === undefined) throw new Error('Go is not installed, so none can be built');
    report(`No k6 is installed: building ${k6Pinned} with Go; about 2 minutes, once ...`);
    await build(keeper, go, { fresh, env });
    report(`Built k6; it is kept in ${place}.`);
  });
}

/** Sources and objects take 2 GB that nobody needs again: they lie in a folder that goes away. */
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
    if (code !== 0) throw new Error(`go install ended with code ${code}: ${tail.slice(-500)}`);
    await copyFile(join(bin, 'k6'), join(fresh, 'k6'));
  } finally {
    await keeper.remove(scratch);
  }
}

/** What says from where and how modules are fetched. */
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
