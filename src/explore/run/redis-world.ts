import { randomUUID } from 'node:crypto';
import { refuseSentinel } from '../gate/redis-addresses.ts';
import type { RedisTraces } from '../gate/redis-traces.ts';
import { RedisControl } from './redis-control.ts';
import { type KeyLeft, keysLeft } from './redis-left.ts';
import { clearLeft, mark } from './redis-mark.ts';
import { scriptsOf } from './redis-scripts.ts';
import { within } from './within.ts';

const heardMs = 5_000;

interface StoredKey {
  readonly database: string;
  readonly key: string;
  /** What DUMP gives, byte for byte. */
  readonly value: string;
  /** Milliseconds that it had left when it was stored; 0 where it stays. Each order has them anew. */
  readonly ttlMs: number;
}

interface Stored {
  readonly keys: readonly StoredKey[];
  /** What FUNCTION DUMP gives; undefined before Redis 7. */
  readonly functions: string | undefined;
}

interface OpenServer {
  readonly url: string;
  readonly control: RedisControl;
}

const empty: Stored = { keys: [], functions: undefined };

/**
 * The contents of the Redis servers, in all logical databases: refused if there are any, remembered
 * after the setup, and restored before every order.
 */
export class RedisWorld {
  readonly urls: readonly string[];
  /** One for each server, where several URLs name the same. */
  readonly #urls: readonly string[];
  readonly #servers: readonly RedisControl[];
  /** As it was before anything of this exploration: functions only, for keys are refused. */
  readonly #before: Stored[] = [];
  #stored: readonly Stored[] = [];
  readonly #scripts: Set<string>[];

  private constructor(urls: readonly string[], servers: readonly OpenServer[]) {
    this.urls = urls;
    this.#urls = servers.map(({ url }) => url);
    this.#servers = servers.map(({ control }) => control);
    this.#scripts = servers.map(() => new Set());
  }

  /** Rejects if a server holds keys, which would be lost. Several URLs may name one server. */
  static async open(urls: readonly string[]): Promise<RedisWorld> {
    const servers: OpenServer[] = [];
    const known = new Set<string>();
    try {
      for (const url of urls) {
        const control = await RedisControl.open(url, 'latin1');
        const info = String(await control.ask('info', 'server'));
        if (/^redis_mode:sentinel/m.test(info)) refuseSentinel();
        const runId = /^run_id:(\S+)/m.exec(info)?.[1] ?? url;
        if (known.has(runId)) control.close();
        else servers.push({ url, control });
        known.add(runId);
      }
      const world = new RedisWorld(urls, servers);
      for (const { url, control } of servers) {
        await clearLeft(control, new URL(url).host);
        await refuseFull(control, url);
        world.#before.push({ keys: [], functions: await functionsOf(control) });
        await mark(control);
      }
      return world;
    } catch (error) {
      for (const { control } of servers) control.close();
      throw error;
    }
  }

  /** Runs what fills the servers; the scripts that it loads are known to each order. */
  async fill(work: () => Promise<void>): Promise<void> {
    const watched: RedisControl[] = [];
    try {
      for (const url of this.#urls) watched.push(await RedisControl.open(url));
      for (const [at, control] of watched.entries()) {
        await control.ask('monitor');
        control.heard = line => {
          for (const script of scriptsOf(String(line))) this.#scripts[at]?.add(script);
        };
      }
      await work();
      for (const [at, control] of watched.entries()) await this.#heardAll(at, control);
    } finally {
      for (const control of watched) control.close();
    }
  }

  /** A server reports its commands in their order: behind this one nothing is left to hear. */
  async #heardAll(at: number, watched: RedisControl): Promise<void> {
    const note = watched.heard;
    const mark = randomUUID();
    const heard = new Promise<void>(resolve => {
      watched.heard = line => {
        note(line);
        if (String(line).includes(mark)) resolve();
      };
    });
    await this.#servers[at]?.ask('echo', mark);
    await within(heardMs, 'watching what `prepare` sends to Redis', heard);
  }

  /** As the servers were found. */
  async empty(): Promise<void> {
    for (const [at, server] of this.#servers.entries()) {
      await put(server, this.#before[at] ?? empty, new Set());
    }
  }

  /** Something that is put back has a time to live. */
  get ages(): boolean {
    return this.#stored.some(({ keys }) => keys.some(({ ttlMs }) => ttlMs > 0));
  }

  /** Remembers everything as it is now. */
  async capture(): Promise<void> {
    await Promise.all(this.#servers.map(mark));
    this.#stored = await Promise.all(this.#servers.map(captured));
  }

  /**
   * Puts back what may have been changed (by default everything); to be done before an actor connects,
   * for its client may load scripts. Keys with a time to live grow old even where nobody is.
   */
  async restore({ any, code }: RedisTraces = { any: true, code: true }): Promise<void> {
    if (!any && !code && !this.ages) return;
    await Promise.all(
      this.#servers.map((server, at) => {
        const stored = this.#stored[at] ?? empty;
        return code ? put(server, stored, this.#scripts[at] ?? new Set()) : putKeys(server, stored);
      }),
    );
  }

  /** All keys with what they hold; `beyond` says where there are too many to be compared. */
  async left(): Promise<{ readonly keys: readonly KeyLeft[]; readonly beyond: readonly string[] }> {
    const keys: KeyLeft[] = [];
    const beyond: string[] = [];
    for (const [at, server] of this.#servers.entries()) {
      const store = at === 0 ? 'redis' : `redis ${at + 1}`;
      for (const { database } of await databasesOf(server)) {
        const found = await keysLeft(server, store, database);
        if (found === undefined) beyond.push(`${store} holds too many keys to be compared`);
        else keys.push(...found);
      }
    }
    return { keys, beyond };
  }

  /** Leaves only what was there before. */
  async close(): Promise<void> {
    try {
      await this.empty();
    } finally {
      for (const server of this.#servers) server.close();
    }
  }
}

/** Redis takes commands of one connection in their order: nothing has to be waited for between. */
async function put(server: RedisControl, stored: Stored, scripts: Set<string>): Promise<void> {
  const { functions } = stored;
  const asked: Promise<unknown>[] = [server.ask('script', 'flush')];
  for (const script of scripts) asked.push(server.ask('script', 'load', script));
  if (functions !== undefined) asked.push(server.ask('function', 'restore', functions, 'flush'));
  await Promise.all([...asked, putKeys(server, stored)]);
}

async function putKeys(server: RedisControl, { keys }: Stored): Promise<void> {
  const asked: Promise<unknown>[] = [server.ask('flushall')];
  let selected = '';
  for (const { database, key, value, ttlMs } of keys) {
    if (database !== selected) asked.push(server.ask('select', database));
    selected = database;
    asked.push(server.ask('restore', key, String(ttlMs), value));
  }
  await Promise.all(asked);
}

async function captured(server: RedisControl): Promise<Stored> {
  const keys: StoredKey[] = [];
  for (const { database } of await databasesOf(server)) {
    await server.ask('select', database);
    const names = await server.ask('keys', '*');
    for (const key of Array.isArray(names) ? names.map(String).sort() : []) {
      const left = Number(await server.ask('pttl', key));
      const value = await server.ask('dump', key);
      if (typeof value !== 'string') continue; // it has run out just now
      keys.push({ database, key, value, ttlMs: Math.max(0, left) });
    }
  }
  return { keys, functions: await functionsOf(server) };
}

async function functionsOf(server: RedisControl): Promise<string | undefined> {
  const dumped = await server.ask('function', 'dump').catch(() => undefined);
  return typeof dumped === 'string' ? dumped : undefined;
}

interface FilledDatabase {
  readonly database: string;
  readonly keys: number;
}

async function databasesOf(server: RedisControl): Promise<FilledDatabase[]> {
  const info = String(await server.ask('info', 'keyspace'));
  return [...info.matchAll(/^db(\d+):keys=(\d+)/gm)].map(([, database = '0', keys]) => ({
    database,
    keys: Number(keys),
  }));
}

/** All its databases will be emptied again and again, so they must not hold any data. */
async function refuseFull(server: RedisControl, url: string): Promise<void> {
  const full = await databasesOf(server);
  if (full.length === 0) return;
  const what = full.map(({ database, keys }) => `${keys} keys in database ${database}`).join(', ');
  const { hostname, port } = new URL(url);
  throw new Error(
    `the Redis at ${hostname}:${port || 6379} holds ${what} and would be emptied, all its databases: ` +
      'give the exploration a server of its own (redis-server --port 6390 --save "")',
  );
}
