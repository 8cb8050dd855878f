import pg from 'pg';

/** The key of statement phases: (this, backend pid). Any number that no application uses. */
export const phaseKey = 77_0077;

const auditsMax = 64;

/** "cached plan must not change result type" */
function isPlanOutdated(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === '0A000';
}

/**
 * Whom a backend waits for to get a safe snapshot. Postgres looks for its transaction by pid and finds a
 * committed one of the same session first, as long as that overlaps another (`GetSafeSnapshotBlockingPids`
 * in predicate.c), and then names nobody: then it may be any open transaction of this database.
 */
const snapshotBlockers = `
  coalesce(nullif(pg_safe_snapshot_blocking_pids(asked.pid), '{}'), array(
    select other.pid
    from pg_stat_activity self join pg_stat_activity other using (datid)
    where self.pid = asked.pid and self.wait_event = 'SafeSnapshot'
      and other.pid not in (self.pid, pg_backend_pid()) and other.xact_start is not null
    order by other.pid))`;

/** Backends that one waits for: 0 is a prepared transaction. */
export interface WaitsFor {
  readonly locks: readonly number[];
  /** SERIALIZABLE READ ONLY DEFERRABLE waits for these to end. */
  readonly snapshot: readonly number[];
}

/** The explorer's own session: asks who waits for whom, and never touches the actors' rows. */
export class PostgresControl {
  readonly #url: string;
  #client: pg.Client;
  readonly #closedGates = new Set<number>();
  /** Names of prepared audits, by their text. */
  readonly #audits = new Map<string, string>();
  /** Names of relations by their oid, which is another one when the database was made anew. */
  relationNames: ReadonlyMap<string, string> = new Map();
  pid = 0;
  #silent = false;

  constructor(url: string) {
    this.#url = url;
    this.#client = clientOf(url);
  }

  /** Connects; once more behind `close`, too: another session then, which knows nothing of the first. */
  async open(): Promise<void> {
    if (this.pid !== 0) this.#client = clientOf(this.#url);
    this.#closedGates.clear();
    this.#audits.clear();
    this.#silent = false;
    await this.#client.connect();
    const { rows } = await this.#client.query<{ pid: number }>('select pg_backend_pid() as pid');
    this.pid = rows[0]?.pid ?? 0;
  }

  /**
   * For each of these backends the backends that it waits for; empty when it does not wait. Whether it
   * waits for a safe snapshot is asked only where transactions may be SERIALIZABLE.
   */
  async blockers(
    pids: readonly number[],
    maySerialize: boolean,
  ): Promise<ReadonlyMap<number, WaitsFor>> {
    if (pids.length === 0) return new Map();
    const snapshot = maySerialize ? snapshotBlockers : "'{}'::int[]";
    const { rows } = await this.#client.query<{ pid: number } & WaitsFor>({
      name: maySerialize ? 'all blockers' : 'blockers',
      text: `
        select pid, pg_blocking_pids(pid) as locks, ${snapshot} as snapshot
        from unnest($1::int[]) as asked (pid)`,
      values: [pids],
    });
    return new Map(rows.map(row => [row.pid, row]));
  }

  /** Relation and advisory locks that a backend holds or waits for, the phase gate's left out. */
  async locks(
    pid: number,
  ): Promise<
    readonly { readonly locktype: string; readonly mode: string; readonly key: string }[]
  > {
    const { rows } = await this.#client.query<{ locktype: string; mode: string; key: string }>({
      name: 'locks',
      text: `
        select locktype, mode,
          case when locktype = 'advisory' then concat_ws(' ', classid, objid, objsubid)
            when relation < 16384 then 'catalog'
            else relation::text end as key
        from pg_locks
        where pid = $1 and (
          (locktype = 'advisory' and classid <> $2)
          or (locktype = 'relation' and (relation >= 16384 or mode <> 'AccessShareLock')))`,
      values: [pid, phaseKey],
    });
    const named = (key: string): string => this.relationNames.get(key) ?? key;
    return rows.map(row => (row.locktype === 'relation' ? { ...row, key: named(row.key) } : row));
  }

  /** Whether transactions that say nothing keep one snapshot. */
  async snapshotsByDefault(): Promise<boolean> {
    const [row] = await this.query('show default_transaction_isolation');
    return row?.default_transaction_isolation !== 'read committed';
  }

  async cancel(pid: number): Promise<void> {
    await this.#client.query('select pg_cancel_backend($1)', [pid]);
  }

  async terminate(pid: number): Promise<void> {
    await this.#client.query('select pg_terminate_backend($1)', [pid]);
  }

  /** Ends these backends, whatever they wait for; resolves to those that are there still. */
  async end(pids: readonly number[]): Promise<readonly number[]> {
    const { rows } = await this.#client.query<{ pid: number }>({
      name: 'end',
      text: `
        select pid, pg_terminate_backend(pid) from pg_stat_activity
        where pid = any ($1::int[]) and datname = current_database()`,
      values: [pids],
    });
    return rows.map(({ pid }) => pid);
  }

  /** Who else is in this database and waits or works, or holds a transaction open, in words. */
  async others(): Promise<readonly string[]> {
    const { rows } = await this.#client.query<{ who: string }>(`
      select format('pid %s (%s): %s', pid, state, left(query, 100)) as who
      from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle'
      order by pid limit 5`);
    return rows.map(({ who }) => who);
  }

  /** From here on no statement of this session waits longer for a lock, and none takes longer. */
  async limit(ms: { readonly lock: number; readonly statement?: number }): Promise<void> {
    await this.#client.query(
      `select set_config('lock_timeout', $1, false), set_config('statement_timeout', $2, false)`,
      [String(ms.lock), String(ms.statement ?? 0)],
    );
  }

  /**
   * From here on what this session writes fires no trigger. Restoring rows does so by itself, but each
   * change of that parameter makes Postgres throw away every plan of the session (`ResetPlanCache`):
   * to be in that state already saves a third of the restoring, and planning every audit anew.
   */
  async silenceTriggers(): Promise<void> {
    await this.#client.query('set session_replication_role = replica');
    this.#silent = true;
  }

  /** What a transaction has to say first so that its writes fire triggers. */
  get heedTriggers(): string {
    return this.#silent ? 'set local session_replication_role = origin;' : '';
  }

  /**
   * Closes the phase gate of a backend: its next writing statement stops after its snapshot.
   * A closed gate stays closed from one client of a warm backend to the next.
   */
  async closePhaseGate(pid: number): Promise<void> {
    if (this.#closedGates.has(pid)) return;
    this.#closedGates.add(pid);
    await this.#client.query('select pg_advisory_lock($1, $2)', [phaseKey, pid]);
  }

  async openPhaseGate(pid: number): Promise<void> {
    if (!this.#closedGates.delete(pid)) return;
    await this.#client.query('select pg_advisory_unlock($1, $2)', [phaseKey, pid]);
  }

  /** Gives back the gates of backends that are no more: of those that stay, too many would be kept. */
  async forgetGates(): Promise<void> {
    if (this.#closedGates.size === 0) return;
    const { rows } = await this.#client.query<{ pid: number }>({
      name: 'dead gates',
      text: `
        select pid from unnest($1::int[]) as pid
        where pid not in (select a.pid from pg_stat_activity a where a.pid is not null)`,
      values: [[...this.#closedGates]],
    });
    for (const { pid } of rows) await this.openPhaseGate(pid);
  }

  /**
   * Rows of one statement, planned once for all executions; of several Postgres refuses it, where a
   * plain query would answer without the rows of any.
   */
  async audit(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const name = this.#nameOf(text);
    const planned = name === undefined ? { text } : { name, text };
    const { rows } = await this.#extended(planned).catch((error: unknown) => {
      if (!isPlanOutdated(error)) throw error;
      return this.#extended({ text }); // the actors change the table that it reads
    });
    return rows;
  }

  /** Undefined for a text behind the first few: the server keeps only so many plans for us. */
  #nameOf(text: string): string | undefined {
    const known = this.#audits.get(text);
    if (known !== undefined || this.#audits.size >= auditsMax) return known;
    const name = `audit ${this.#audits.size + 1}`;
    this.#audits.set(text, name);
    return name;
  }

  #extended(query: pg.QueryConfig): Promise<pg.QueryResult<Record<string, unknown>>> {
    const extended: pg.QueryConfig & { queryMode: 'extended' } = {
      ...query,
      queryMode: 'extended',
    };
    return this.#client.query(extended);
  }

  /** The first row of a statement that is asked again and again. */
  async planned(
    name: string,
    text: string,
  ): Promise<Readonly<Record<string, unknown>> | undefined> {
    const { rows } = await this.#client.query<Record<string, unknown>>({ name, text });
    return rows[0];
  }

  async query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const result = await this.#client.query<Record<string, unknown>>(text);
    return result.rows ?? [];
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

function clientOf(url: string): pg.Client {
  const client = new pg.Client({ connectionString: url, application_name: 'explorer control' });
  // Errors of an idle connection surface at the next query.
  client.on('error', () => undefined);
  return client;
}
