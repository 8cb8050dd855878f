import type { PoolClient } from 'pg';
import type { Attempt, Backends, Guardian, ReleaseEnd } from '../../src/contract/index.ts';

const lock = `
  select count(pg_advisory_lock(hashtextextended(key, 0)))
  from (select key from unnest($1::text[]) with ordinality as keys (key, position)
        order by position offset 0) as sorted`;

const unlock = `
  select bool_and(pg_advisory_unlock(hashtextextended(key, 0))) as held
  from unnest($1::text[]) as key`;

const graceMs = 250; // the server's own lock_timeout comes first
const unlockMs = 1_000; // a connection that froze must not hold the answer back

const lockTimedOut = '55P03';

/**
 * Session locks on connections of their own pool, one connection per turn from the lock to the
 * unlock: through `pool.query` the two could meet different connections, and exclusion would be off
 * without an error. A connection that dies takes its locks with it, and the work is told.
 */
export async function sessionLockGuardian({ locks, now }: Backends): Promise<Guardian> {
  return {
    async turn(attempt, keys, inner) {
      const client = await connection(attempt, locks);
      const lost = new AbortController();
      const onError = (error: Error): void => lost.abort(error);
      client.on('error', onError);
      const end = (ended: ReleaseEnd): void => {
        client.off('error', onError);
        client.release(ended !== 'released');
      };
      await take(client, attempt, keys, attempt.deadlineMs - now()).catch((error: unknown) => {
        end('unknown');
        throw error;
      });
      try {
        return await inner({ lost: lost.signal });
      } finally {
        const ended = await giveBack(client, keys, lost.signal);
        end(ended);
        attempt.report(ended);
      }
    },
    async close() {},
  };
}

async function connection(attempt: Attempt, locks: Backends['locks']): Promise<PoolClient> {
  try {
    return await locks.connect();
  } catch (error) {
    throw attempt.failure(locks.totalCount > 0 ? 'pool-exhausted' : 'postgres-unavailable', error);
  }
}

async function take(
  client: PoolClient,
  attempt: Attempt,
  keys: readonly string[],
  limitMs: number,
): Promise<void> {
  if (limitMs < 1) throw attempt.failure('turn-refused');
  try {
    const query_timeout = limitMs + graceMs;
    const timeout = { text: `set lock_timeout = ${Math.floor(limitMs)}`, query_timeout };
    await client.query(timeout);
    const bounded = { text: lock, values: [keys], query_timeout };
    await client.query(bounded);
  } catch (error) {
    throw attempt.failure(isTimeout(error) ? 'turn-refused' : 'connection-lost', error);
  }
}

/** Never throws: a connection that cannot say whether it unlocked is closed, which unlocks. */
async function giveBack(
  client: PoolClient,
  keys: readonly string[],
  lost: AbortSignal,
): Promise<ReleaseEnd> {
  if (lost.aborted) return 'lost';
  try {
    const bounded = { text: unlock, values: [keys], query_timeout: unlockMs };
    const { rows } = await client.query<{ held: boolean }>(bounded);
    // not held by this connection: it never was, or a pooler sent us to another one
    return rows[0]?.held === true ? 'released' : 'lost';
  } catch {
    return lost.aborted ? 'lost' : 'unknown';
  }
}

function isTimeout(error: unknown): boolean {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === lockTimedOut;
}
