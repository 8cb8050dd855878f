import type {
  Attempt,
  Backends,
  Guardian,
  LockConnection,
  ReleaseEnd,
} from '../../src/contract/index.ts';

const lock = `
  select count(pg_advisory_lock(hashtextextended(key, 0)))
  from (select key from unnest($1::text[]) with ordinality as keys (key, position)
        order by position offset 0) as sorted`;

// the connection may idle in the pool again
const unlock = `
  select bool_and(pg_advisory_unlock(hashtextextended(key, 0))) as held,
    (select set_config('idle_session_timeout', '0', false)) as idle
  from unnest($1::text[]) as key`;

const graceMs = 250; // the server's own lock_timeout comes first
const unlockMs = 1_000; // a connection that froze must not hold the answer back

/**
 * A holder whose process stands still holds its locks for so long after its deadline. More than a
 * transaction has from there to the end of its COMMIT (2.25 s), so no work that runs loses its lock.
 */
const frozenMs = 3_000;

const lockTimedOut = '55P03';

/**
 * Session locks on connections of their own pool, one connection per turn from the lock to the
 * unlock: through `pool.query` the two could meet different connections, and exclusion would be off
 * without an error. A connection that dies takes its locks with it, and the work is told. While a lock
 * is held its connection idles, so Postgres ends the session of a holder that idles for longer than any
 * work may take.
 */
export async function sessionLockGuardian({ lockConnection, now }: Backends): Promise<Guardian> {
  return {
    async turn(attempt, keys, inner) {
      const connection = await lockConnection(attempt);
      const { client } = connection;
      const lost = new AbortController();
      const onError = (error: Error): void => lost.abort(error);
      client.on('error', onError);
      const end = (ended: ReleaseEnd): void => {
        client.off('error', onError);
        connection.release(ended !== 'released');
      };
      await take(connection, attempt, keys, attempt.deadlineMs - now()).catch((error: unknown) => {
        end('unknown');
        throw error;
      });
      try {
        return await inner({ lost: lost.signal });
      } finally {
        const ended = await giveBack(connection, keys, lost.signal);
        end(ended);
        attempt.report(ended);
      }
    },
    async close() {},
  };
}

async function take(
  connection: LockConnection,
  attempt: Attempt,
  keys: readonly string[],
  limitMs: number,
): Promise<void> {
  if (limitMs < 1) throw attempt.failure('turn-refused');
  const { client } = connection;
  const query_timeout = limitMs + graceMs;
  const waitMs = Math.floor(limitMs);
  try {
    const text = `set lock_timeout = ${waitMs}; set idle_session_timeout = ${waitMs + frozenMs}`;
    const settings = { text, query_timeout };
    await client.query(settings);
    const bounded = { text: lock, values: [keys], query_timeout };
    await connection.waiting(() => client.query(bounded));
  } catch (error) {
    if (attempt.left?.aborted) throw attempt.failure('caller-left', error);
    throw attempt.failure(isTimeout(error) ? 'turn-refused' : 'connection-lost', error);
  }
}

/** Never throws: a connection that cannot say whether it unlocked is closed, which unlocks. */
async function giveBack(
  { client }: LockConnection,
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
