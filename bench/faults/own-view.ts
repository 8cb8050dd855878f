/** Where a run itself looks at the database, past the taps: at another server when that has taken over. */
import { PostgresStore } from '../../src/store/postgres.ts';
import { asOwner } from './run-role.ts';
import type { Sql } from './stage.ts';

export class OwnView {
  /** As a superuser. */
  url: string;
  /** Makes the keys of a load. */
  seeds: PostgresStore;
  readonly #first: string;

  constructor(url: string) {
    this.url = url;
    this.#first = url;
    this.seeds = storeAt(url);
  }

  readonly sql: Sql = (text, values = []) => asOwner(this.url, text, values);

  /** Undefined: where it looked at first. */
  readonly lookAt = (url: string | undefined): void => {
    const before = this.seeds;
    this.url = url ?? this.#first;
    this.seeds = storeAt(this.url);
    before.close().catch(() => {}); // its server may be gone
  };

  async close(): Promise<void> {
    await this.seeds.close().catch(() => {});
  }
}

function storeAt(url: string): PostgresStore {
  return new PostgresStore({
    url,
    connectionsMax: 1,
    connectTimeoutMs: 10_000,
    lockTimeoutMs: 10_000,
    applicationName: 'lockstep load',
  });
}
