import {
  type Attempt,
  type Backends,
  Failure,
  type Guardian,
  type Held,
  type ReleaseEnd,
  type Strategy,
  type Tuning,
} from '../../src/contract/index.ts';
import { openBackends } from '../../src/store/backends.ts';
import { until } from '../fixtures/gate.ts';

export const leaseTuning: Tuning = {
  waitMs: 30_000,
  leaseMs: 30_000,
  extendLease: false,
  attemptsMax: 1,
};

export type Inner<T> = (held: Held) => Promise<T>;

/** One process's worth of a strategy with one turn, on servers of the test's own. */
export interface Actor {
  readonly backends: Backends;
  /** How the turns were given back, in order. */
  readonly ends: readonly ReleaseEnd[];
  /** How far its clock is ahead of the servers'. */
  readonly clock: { aheadMs: number };
  turn<T>(key: string | readonly string[], inner: Inner<T>, waitMs?: number): Promise<T>;
  /** Idempotent. */
  close(): Promise<void>;
}

interface Named {
  readonly url: string;
}

/** The lock node is the first server; all of them are the nodes. */
export function backendsOn(servers: readonly Named[]) {
  return openBackends({
    databaseUrl: 'postgres://127.0.0.1:1/none', // no turn here uses Postgres
    redisUrl: servers[0]?.url,
    redisNodeUrls: servers.map(server => server.url),
    lockConnectionsMax: 1,
    waitMs: leaseTuning.waitMs,
    leaseMs: leaseTuning.leaseMs,
  });
}

/** Opens a strategy's turn; `tuning` changes `leaseTuning`. */
export async function actor(
  strategy: Strategy,
  servers: readonly Named[],
  tuning: Partial<Tuning> = {},
): Promise<Actor> {
  const { close, ...opened } = backendsOn(servers);
  const clock = { aheadMs: 0 };
  const backends = { ...opened, now: () => opened.now() + clock.aheadMs };
  const clients = [...(servers.length > 0 ? [backends.redis] : []), ...backends.redisNodes];
  await until('all are connected', () => clients.every(({ status }) => status === 'ready'));
  const [turn] = strategy.turns;
  if (!turn) throw new Error(`${strategy.title} has no turn`);
  const guardian = await turn.open(backends, { ...leaseTuning, ...tuning });
  return actorOf(guardian, backends, close, clock);
}

export function actorOf(
  guardian: Guardian,
  backends: Backends,
  closeBackends: () => Promise<void>,
  clock = { aheadMs: 0 },
): Actor {
  const ends: ReleaseEnd[] = [];
  let closed: Promise<void> | undefined;
  return {
    backends,
    ends,
    clock,
    turn(key, inner, waitMs = leaseTuning.waitMs) {
      const attempt: Attempt = {
        commandId: 'test',
        number: 1,
        deadlineMs: backends.now() + waitMs,
        report: end => ends.push(end),
        failure: (code, cause) => new Failure(code, { cause }),
      };
      return guardian.turn(attempt, typeof key === 'string' ? [key] : key, inner);
    },
    close() {
      closed ??= guardian.close().then(closeBackends);
      return closed;
    },
  };
}

/** Resolves when the turn is known to be lost, with the reason. */
export async function lossOf({ lost }: Held): Promise<unknown> {
  if (!lost) throw new Error('this turn has no lost signal');
  if (!lost.aborted)
    await new Promise<void>(resolve => {
      lost.addEventListener('abort', () => resolve(), { once: true });
    });
  return lost.reason;
}
