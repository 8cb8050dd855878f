import type pg from 'pg';
import type { UmzugStorage } from 'umzug';

const createTable = `
  create table if not exists lockstep_migrations (
    name text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
  )`;

/** umzug's storage, in the migrated database and on the migrating connection. */
export class MigrationRecord implements UmzugStorage {
  readonly #client: pg.Client;
  readonly #hashes: ReadonlyMap<string, string>;
  readonly #applied: ReadonlyMap<string, string>;

  private constructor(
    client: pg.Client,
    hashes: ReadonlyMap<string, string>,
    applied: ReadonlyMap<string, string>,
  ) {
    this.#client = client;
    this.#hashes = hashes;
    this.#applied = applied;
  }

  /** Reads what has been applied. `hashes`: those of the current files. */
  static async open(
    client: pg.Client,
    hashes: ReadonlyMap<string, string>,
  ): Promise<MigrationRecord> {
    // checked first: a user without CREATE privilege must not need it
    const there = await client.query<{ there: boolean }>(
      "select to_regclass('lockstep_migrations') is not null as there",
    );
    if (!there.rows[0]?.there) await client.query(createTable);
    const { rows } = await client.query<{ name: string; sha256: string }>(
      'select name, sha256 from lockstep_migrations',
    );
    return new MigrationRecord(client, hashes, new Map(rows.map(row => [row.name, row.sha256])));
  }

  /** Files that differ from what was applied under their name. */
  changed(): readonly string[] {
    return [...this.#hashes]
      .filter(([name, hash]) => (this.#applied.get(name) ?? hash) !== hash)
      .map(([name]) => name);
  }

  async executed(): Promise<string[]> {
    return [...this.#applied.keys()];
  }

  async logMigration({ name }: { name: string }): Promise<void> {
    const values = [name, this.#hashes.get(name)];
    await this.#client.query(
      'insert into lockstep_migrations (name, sha256) values ($1, $2)',
      values,
    );
  }

  async unlogMigration({ name }: { name: string }): Promise<void> {
    await this.#client.query('delete from lockstep_migrations where name = $1', [name]);
  }
}
