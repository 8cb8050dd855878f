/** What a rule sees: one open transaction with the strategy's guard bound inside. */

export type Value = string | number | bigint | boolean | null | readonly (string | null)[];

/** Every deciding row carries a version and a fence; only the strategies that ask use them. */
export interface Row {
  readonly id: string;
  readonly version: number;
  readonly fence: string;
}

export type ColumnType = 'bigint' | 'integer' | 'text' | 'boolean';

/** A table that holds deciding rows. `bigint` arrives as a string, as node-postgres gives it. */
export interface Table<R extends Row> {
  readonly name: string;
  readonly columns: { readonly [K in keyof R]-?: ColumnType };
}

/** SQL with the type of its rows. `row` is never set: it ties R to the text. */
export interface Statement<R> {
  readonly text: string;
  readonly row?: R;
}

/** A statement with the type of its rows. Nothing can be interpolated: values are parameters. */
export function sql<R>(text: TemplateStringsArray): Statement<R> {
  return { text: text.join('').trim() };
}

/** Runs one statement. Texts are constants: adapters prepare and name them once per connection. */
export type Query = <R>(statement: Statement<R>, values: readonly Value[]) => Promise<readonly R[]>;

export interface Tx {
  /** Runs the look, whose first statement is the deciding read; runs it again for `check twice`. */
  check<T>(look: () => Promise<T>): Promise<T>;
  /** The deciding read of one row, with what the guard takes. */
  read<R extends Row>(table: Table<R>, id: string): Promise<R | undefined>;
  /**
   * The deciding read of any row that matches, lowest id first; null means `is null`. What the guard
   * takes it takes of a row that still matches. Throws `Failure('conflict')` where rivals were always first.
   */
  readAny<R extends Row>(table: Table<R>, where: Partial<R>): Promise<R | undefined>;
  /**
   * The deciding read for a wording that needs no look at the row (one statement decides): sends
   * nothing and returns undefined unless the guard asks for the row.
   */
  claim<R extends Row>(table: Table<R>, id: string): Promise<R | undefined>;
  /** Proves the deciding row right before acting; sends nothing unless the guard asks. Throws `Failure('conflict' | 'stale token')`. */
  touch<R extends Row>(table: Table<R>, row: R): Promise<void>;
  /** Updates the deciding row; version and fence are proved. Throws `Failure('conflict' | 'stale token')`. */
  write<R extends Row>(table: Table<R>, row: R, patch: Partial<R>): Promise<void>;
  /** Everything else, as plain SQL in sight. */
  readonly query: Query;
}
