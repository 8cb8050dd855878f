/** The judge: runs the scenario's audit SQL over committed rows, given what callers were told. */
import pg from 'pg';
import { z } from 'zod';
import { violationKinds } from '../../src/contract/index.ts';
import type { Audit, AuditRow, Claims } from './shapes.ts';
import { waitMs } from './wait.ts';

const settleMaxMs = 10_000;
const settleLookMs = 50;
const auditMaxMs = 30_000;
const rowsKeptMax = 5_000;

const row = z.object({
  key: z.string(),
  kind: z.enum(violationKinds),
  excess: z.coerce.number(),
  detail: z.string(),
});

type Pairs = Claims['acknowledged'];

/** Uses a connection of its own, so that it never waits for a pool of the service. */
export class Judge {
  readonly #client: pg.Client;
  readonly #auditSql: string;

  private constructor(client: pg.Client, auditSql: string) {
    this.#client = client;
    this.#auditSql = auditSql;
  }

  static async open(databaseUrl: string, auditSql: string): Promise<Judge> {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'lockstep judge',
      query_timeout: auditMaxMs,
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => {}); // the next query reports it
    await client.connect();
    return new Judge(client, auditSql);
  }

  /** Waits until no other client has an open transaction in this database; false on timeout. */
  async settled(signal: AbortSignal, withinMs = settleMaxMs): Promise<boolean> {
    const lastMs = performance.now() + withinMs;
    while (performance.now() < lastMs) {
      const { rows } = await this.#client.query<{ open: number }>(`
        select count(*)::integer as open from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
          and backend_type = 'client backend'`);
      if (rows[0]?.open === 0) return true;
      await waitMs(settleLookMs, signal);
    }
    return false;
  }

  async audit(claims: Claims, settled: boolean): Promise<Audit> {
    const { keys, acknowledged, denied, refusedKeys } = claims;
    const found = await this.#rows(keys, acknowledged, refusedKeys);
    const rows = [...found, ...(await this.#deniedAndThere(denied))];
    return {
      settled,
      keys: keys.length,
      acknowledged: acknowledged.length,
      refusedKeys: refusedKeys.length,
      findings: rows.length,
      violations: rows.slice(0, rowsKeptMax),
    };
  }

  async #rows(keys: readonly string[], acknowledged: Pairs, refusedKeys: readonly string[]) {
    const { rows } = await this.#client.query(this.#auditSql, [
      keys,
      acknowledged.map(one => one.key),
      acknowledged.map(one => one.commandId),
      refusedKeys,
    ]);
    return z.array(row).parse(rows);
  }

  /**
   * Commands whose callers were told that nothing happened, though the effect is in the database or was
   * made outside of it: a caller who retries then pays twice. Uses the same SQL: passed as acknowledged
   * for no keys, a command without an effect is reported as a lost acknowledgement, so every command
   * that is not reported took effect; any other row names one that took effect outside.
   */
  async #deniedAndThere(denied: Pairs): Promise<AuditRow[]> {
    const absent = new Map<string, number>();
    for (const { key, kind, excess } of await this.#rows([], denied, [])) {
      const one = kind === 'lost acknowledgement' ? 1 : -excess;
      absent.set(key, (absent.get(key) ?? 0) + one);
    }
    const told = new Map<string, number>();
    for (const { key } of denied) told.set(key, (told.get(key) ?? 0) + 1);
    return [...told].flatMap(([key, count]) => {
      const there = count - (absent.get(key) ?? 0);
      const detail = `${there} commands were answered as having no effect but took effect`;
      return there > 0 ? [{ key, kind: 'inconsistent', excess: there, detail }] : [];
    });
  }

  async close(): Promise<void> {
    await this.#client.end().catch(() => {});
  }
}
