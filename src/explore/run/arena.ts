import { openHttpGate } from '../gate/http-gate.ts';
import type { Gate, GateHost, Lane } from '../gate/lane.ts';
import { type Login, WarmBackends } from '../gate/postgres-backend.ts';
import { openPostgresGate } from '../gate/postgres-port.ts';
import { openRedisGate } from '../gate/redis-port.ts';
import type { RedisTraces } from '../gate/redis-traces.ts';
import type { Routines } from '../gate/routines.ts';
import { realNow } from '../time/real-time.ts';
import type { ActorUrls } from './actor.ts';
import { PostgresControl } from './postgres-control.ts';
import { Activity, Sentinel } from './quiet.ts';
import { RedisControl } from './redis-control.ts';

export interface Servers {
  readonly pgUrl: string;
  readonly redisUrls: readonly string[];
  readonly httpUrls: readonly string[];
}

/** An actor's gates, kept from one execution to the next. */
export interface ActorPorts {
  readonly urls: ActorUrls;
  readonly gates: readonly Gate[];
  /** Real time of the last movement at one of its gates. */
  movedAtMs: number;
}

export { realNow };

/** Everything that stays open for one exploration: gates, control sessions, warm backends. */
export class Arena {
  readonly activity = new Activity();
  readonly ports: ActorPorts[] = [];
  readonly sentinel: Sentinel;
  readonly postgres: PostgresControl;
  readonly redis: readonly RedisControl[];
  readonly routines: Routines;
  readonly redisTraces: RedisTraces = { any: true, code: true };
  readonly #warm: WarmBackends;
  /** Where lanes of the running execution are announced. */
  opened: (lane: Lane) => void = lane => lane.destroy();
  /** The first client or server that a gate could not carry. */
  failure: Error | undefined;

  private constructor(
    sentinel: Sentinel,
    postgres: PostgresControl,
    redis: readonly RedisControl[],
    warm: WarmBackends,
    routines: Routines,
  ) {
    this.routines = routines;
    this.sentinel = sentinel;
    this.postgres = postgres;
    this.redis = redis;
    this.#warm = warm;
  }

  /** Opens control sessions and one gate per actor and store. */
  static async open(
    servers: Servers,
    actors: readonly string[],
    routines: Routines,
  ): Promise<Arena> {
    const postgres = new PostgresControl(servers.pgUrl);
    await postgres.open();
    const redis = await Promise.all(servers.redisUrls.map(url => RedisControl.open(url)));
    const upstream = upstreamOf(servers.pgUrl, 5432);
    const warm = new WarmBackends(upstream, loginOf(servers.pgUrl));
    const arena = new Arena(await Sentinel.open(), postgres, redis, warm, routines);
    for (const actor of actors) arena.ports.push(await arena.#open(servers, actor));
    return arena;
  }

  /** The ports of each actor's gates. */
  get gatePorts(): number[][] {
    return this.ports.map(({ gates }) => gates.map(({ port }) => port));
  }

  /** Ends its sessions with Postgres, so that the database can be dropped and made anew. */
  async leavePostgres(): Promise<void> {
    this.#warm.forget();
    await this.postgres.close();
  }

  async close(): Promise<void> {
    this.#warm.close();
    for (const { gates } of this.ports) await Promise.all(gates.map(gate => gate.close()));
    for (const control of this.redis) control.close();
    this.sentinel.close();
    await this.postgres.close();
  }

  async #open(servers: Servers, actor: string): Promise<ActorPorts> {
    const ports: { urls: ActorUrls; gates: Gate[]; movedAtMs: number } = {
      urls: { pgUrl: '', redisUrl: '', redisUrls: [], httpUrls: [] },
      gates: [],
      movedAtMs: 0,
    };
    const host: GateHost = {
      activity: () => {
        ports.movedAtMs = realNow();
        this.activity.moved();
      },
      failed: error => {
        this.failure ??= error;
        this.activity.moved();
      },
      opened: lane => this.opened(lane),
    };
    const upstream = upstreamOf(servers.pgUrl, 5432);
    const postgres = await openPostgresGate(
      actor,
      { upstream, warm: this.#warm, routines: this.routines },
      host,
    );
    const redis: Gate[] = [];
    const gateOf = (host: string, port: number): number | undefined => {
      const at = servers.redisUrls.findIndex(url => isAt(upstreamOf(url, 6379), host, port));
      return redis[at]?.port;
    };
    for (const [index, url] of servers.redisUrls.entries()) {
      const store = index === 0 ? 'redis' : `redis ${index + 1}`;
      const server = { store, upstream: upstreamOf(url, 6379), gateOf, traces: this.redisTraces };
      redis.push(await openRedisGate(actor, server, host));
    }
    const http: Gate[] = [];
    for (const [index, url] of servers.httpUrls.entries()) {
      const store = index === 0 ? 'http' : `http ${index + 1}`;
      http.push(await openHttpGate(actor, store, new URL(url), host));
    }
    const httpUrls = servers.httpUrls.map((url, index) => through(url, http[index]));
    const redisUrls = servers.redisUrls.map((url, index) => through(url, redis[index]));
    ports.urls = {
      pgUrl: through(servers.pgUrl, postgres),
      redisUrl: redisUrls[0] ?? '',
      redisUrls,
      httpUrls,
    };
    ports.gates.push(postgres, ...redis, ...http);
    return ports;
  }
}

function loginOf(url: string): Login {
  const { username, password, pathname } = new URL(url);
  return {
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
  };
}

function upstreamOf(url: string, port: number): { host: string; port: number } {
  const parsed = new URL(url);
  return { host: parsed.hostname, port: Number(parsed.port || port) };
}

/** A node that does not know its own name announces none: it is at the one that the client used. */
function isAt(server: { host: string; port: number }, host: string, port: number): boolean {
  const plain = (name: string): string => name.replace(/^(localhost|\[?::1\]?)$/, '127.0.0.1');
  return server.port === port && (host === '' || plain(server.host) === plain(host));
}

function through(url: string, gate: Gate | undefined): string {
  const parsed = new URL(url);
  parsed.hostname = '127.0.0.1';
  parsed.port = String(gate?.port ?? '');
  return parsed.href;
}
