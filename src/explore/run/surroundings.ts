import { type Catalogue, readCatalogue } from './catalogue.ts';
import type { PostgresControl } from './postgres-control.ts';

/** What is known for a whole exploration. */
export interface Surroundings {
  readonly postgres: PostgresControl;
  /** Read anew when the database was made anew. */
  catalogue: Catalogue;
  /** Transactions that say nothing keep one snapshot. */
  readonly snapshotsByDefault: boolean;
  /** Some statement has read the time: the order of transactions' beginnings shows in rows. */
  clockWasRead: boolean;
}

/** As it is before the first order. */
export async function surroundingsOf(postgres: PostgresControl): Promise<Surroundings> {
  return {
    postgres,
    catalogue: await readCatalogue(postgres),
    snapshotsByDefault: await postgres.snapshotsByDefault(),
    clockWasRead: false,
  };
}
