import pg from 'pg';
import { errorMessage } from '../error-message.ts';
import type { PostgresHost } from './postgres-url.ts';

/** The host that connections lead to for now. */
export interface WritableHost {
  readonly at: PostgresHost;
  /** It did not take a connection, or no writes: the next one asks again. */
  forget(): void;
}

interface Known {
  readonly asking: Promise<PostgresHost>;
  readonly askedMs: number;
}

/** A burst of new connections asks once. Short: a failover must not be followed late. */
const knownMs = 1_000;
/** By URL: a process has one or two. */
const known = new Map<string, Known>();
const urlsMax = 100;

/**
 * The first host in order that takes writes. All are asked at once, each for at most `hostMs`, so that
 * the bound does not grow with their number; one that answers is taken only when those before it have
 * failed to: with two that take writes (which a failover must rule out) all processes go to the same.
 * Rejects with what each host said.
 */
export async function writableHost(
  url: string,
  hosts: readonly PostgresHost[],
  hostMs: number,
): Promise<WritableHost> {
  const before = known.get(url);
  const fresh = before && performance.now() - before.askedMs < knownMs;
  const current = fresh ? before : { asking: ask(hosts, hostMs), askedMs: performance.now() };
  const forget = (): void => {
    if (known.get(url) === current) known.delete(url);
  };
  if (known.size >= urlsMax) known.clear();
  known.set(url, current);
  try {
    return { at: await current.asking, forget };
  } catch (error) {
    forget();
    throw error;
  }
}

async function ask(hosts: readonly PostgresHost[], hostMs: number): Promise<PostgresHost> {
  const answers = hosts.map(host => reasonAgainst(host, hostMs));
  const reasons: string[] = [];
  for (const [index, host] of hosts.entries()) {
    const reason = await answers[index];
    if (reason === undefined) return host;
    reasons.push(`${host.name} ${reason}`);
  }
  throw new Error(`no host takes writes: ${reasons.join('; ')}`);
}

/** Why a host cannot serve; undefined if it can. Never rejects. */
async function reasonAgainst({ url }: PostgresHost, hostMs: number): Promise<string | undefined> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: hostMs,
    query_timeout: hostMs,
    application_name: 'lockstep host check',
  });
  client.on('error', () => {}); // the query reports it
  try {
    await client.connect();
    // on in a standby too; unlike what is reported at connect, a pooler passes it on
    const { rows } = await client.query<{ transaction_read_only: string }>(
      'show transaction_read_only',
    );
    return rows[0]?.transaction_read_only === 'off' ? undefined : 'is read-only';
  } catch (error) {
    return `cannot be used (${errorMessage(error)})`;
  } finally {
    client.end().catch(() => {});
  }
}
