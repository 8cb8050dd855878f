import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { type Backends, codeOfReply, Failure, type RedisNeeds } from '../contract/index.ts';
import { pgFailure } from '../store/pg-errors.ts';
import type { Probe } from './health.ts';
import type { Refusals } from './refusals.ts';

export interface ProbedStores {
  /** A connection for probes alone. */
  readonly pool: Pool;
  readonly backends: Pick<Backends, 'redis' | 'redisNodes'>;
  readonly need: RedisNeeds;
  readonly refusals: Refusals;
  /** Rejects where this process may decide nothing. */
  readonly mayDecide?: () => Promise<void>;
}

/** On a standby it is on as well. */
const readOnly = `select current_setting('transaction_read_only') = 'on' as read_only`;

const probeKey = `lockstep:probe:${randomUUID()}`; // of this process; it ends by itself
const probeKeyMs = 1_000;

/** Asks the stores for what a command needs: a change, not just an answer. */
export function storeProbes(stores: ProbedStores): readonly Probe[] {
  const { pool, backends, need, refusals, mayDecide } = stores;
  const { redis, redisNodes } = backends;
  const told = async (ask: Promise<void>): Promise<void> => {
    try {
      await ask;
    } catch (error) {
      refusals.saw(error);
      throw error;
    }
  };
  const postgres = async (): Promise<void> => {
    refusals.assertNone(); // seen and logged before
    await told(assertTakesChanges(pool));
    await mayDecide?.();
  };
  const majority = async (): Promise<void> => {
    const answers = await Promise.allSettled(redisNodes.map(node => told(assertGrants(node))));
    const errors = answers.flatMap(one => (one.status === 'rejected' ? [one.reason] : []));
    if (redisNodes.length - errors.length > redisNodes.length / 2) return;
    throw new Set(errors.map(codeOf)).size === 1
      ? errors[0]
      : new Failure('redis-unavailable', { message: 'most Redis nodes grant no lock' });
  };
  return [
    { name: 'postgres', ask: postgres },
    ...(need.one ? [{ name: 'redis', ask: () => told(assertGrants(redis)) }] : []),
    ...(need.several ? [{ name: 'redis nodes', ask: majority }] : []),
  ];
}

async function assertTakesChanges(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{ read_only: boolean }>(readOnly).catch((error: unknown) => {
    throw pgFailure(error, 'work');
  });
  if (rows[0]?.read_only) throw new Failure('postgres-read-only');
}

/** Sets a key as a lock is set: a replica, a full memory or a failed save refuse that and answer PING. */
async function assertGrants(redis: Redis): Promise<void> {
  try {
    await redis.set(probeKey, '1', 'PX', probeKeyMs);
  } catch (error) {
    throw new Failure(codeOfReply(error) ?? 'redis-unavailable', { cause: error });
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Failure ? error.code : undefined);
