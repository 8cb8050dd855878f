import pg from 'pg';

/** The key of statement phases: (this, backend pid). Any number that no application uses. */
export const phaseKey = 77_0077;

const auditsMax = 64;

/** "cached plan must not change result type" */
function isPlanOutdated(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === '0A000';
}

/** The explorer's own session: asks who waits for whom, and never touches the actors' rows. */
export class PostgresControl {
  readonly #client: pg.Client;
  readonly #closedGates = new Set<number>();
  /** Names of prepared audits, by their text. */
  readonly #audits = new Map<string, string>();
  pid = 0;

  constructor(url: string) {
    this.#client = new pg.Client({ connectionString: url, application_name: 'explorer control' });
    // Errors of an idle connection surface at the next query.
    this.#client.on('error', () => undefined);
  }

  async open(): Promise<void> {
    await this.#client.connect();
    const { rows } = await this.#client.query<{ pid: number }>('select pg_backend_pid() as pid');
    this.pid = rows[0]?.pid ?? 0;
  }

  /** For each of these backends the backends that it waits for; empty when it does not wait. */
  async blockers(pids: readonly number[]): Promise<ReadonlyMap<number, readonly number[]>> {
    const { rows } = await this.#client.query<{ pid: number; blockers: number[] }>({
      name: 'blockers',
      text: 'select pid, pg_blocking_pids(pid) as blockers from unnest($1::int[]) as pid',
      values: [pids],
    });
    return new Map(rows.map(row => [row.pid, row.blockers]));
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
    return rows;
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

  async query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const result = await this.#client.query<Record<string, unknown>>(text);
    return result.rows ?? [];
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
