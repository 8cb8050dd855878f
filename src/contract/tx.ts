/** What a rule sees: one open transaction with the strategy's guard built in. */

export type Value = string | number | bigint | boolean | null | readonly (string | null)[];

/** Every deciding row has a version and a fence; only strategies that declare them use them. */
export interface Row {
  readonly id: string;
  readonly version: number;
  readonly fence: string;
}

export type ColumnType = 'bigint' | 'integer' | 'text' | 'boolean';

/** A table of deciding rows. `bigint` arrives as a string, as node-postgres returns it. */
export interface Table<R extends Row> {
  readonly name: string;
  readonly columns: { readonly [K in keyof R]-?: ColumnType };
}

/** SQL with the type of its rows. `row` is never set; it only carries the type R. */
export interface Statement<R> {
  readonly text: string;
  readonly row?: R;
}

/** Makes a typed statement. Interpolation is impossible: values are passed as parameters. */
export function sql<R>(text: TemplateStringsArray): Statement<R> {
  return { text: text.join('').trim() };
}

/** Runs one statement. Texts must be constants: adapters prepare each once per connection. */
export type Query = <R>(statement: Statement<R>, values: readonly Value[]) => Promise<readonly R[]>;

export interface Tx {
  /** Runs `look`, whose first statement is the deciding read; runs it again for `check twice`. */
  check<T>(look: () => Promise<T>): Promise<T>;
  /** The deciding read of one row, with the locks that the guard takes. */
  read<R extends Row>(table: Table<R>, id: string): Promise<R | undefined>;
  /**
   * The deciding read of any matching row, lowest id first; null means `is null`. The guard applies
   * to a row that still matches. Throws `Failure('conflict')` when rivals take every candidate
   * first.
   */
  readAny<R extends Row>(table: Table<R>, where: Partial<R>): Promise<R | undefined>;
  /**
   * The deciding read for a wording that does not look at the row (one statement decides): sends
   * nothing and returns undefined unless the guard needs the row.
   */
  claim<R extends Row>(table: Table<R>, id: string): Promise<R | undefined>;
  /**
   * Verifies the deciding row right before acting; sends nothing unless the guard needs it. Throws
   * `Failure('conflict')` or `Failure('stale-token')`.
   */
  touch<R extends Row>(table: Table<R>, row: R): Promise<void>;
  /**
   * Updates the deciding row, verifying version and fence. Throws `Failure('conflict')` or
   * `Failure('stale-token')`.
   */
  write<R extends Row>(table: Table<R>, row: R, patch: Partial<R>): Promise<void>;
  /** Everything else, as plain SQL. */
  readonly query: Query;
}
