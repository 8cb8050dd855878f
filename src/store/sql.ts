import { createHash } from 'node:crypto';
import type { Guard, Isolation, Row, Table, Value } from '../contract/index.ts';

/** A named prepared statement: the same text has the same name on every connection. */
export interface Named {
  readonly name: string;
  readonly text: string;
}

const namesMax = 2_000; // texts are constants; more than this means that values are being put into SQL
const names = new Map<string, string>();

/** Names a statement text. Throws if texts turn out not to be constants. */
export function named(text: string): Named {
  const known = names.get(text);
  if (known) return { name: known, text };
  if (names.size >= namesMax)
    throw new Error(`more than ${namesMax} statement texts: pass values as parameters`);
  const name = `lockstep_${createHash('sha256').update(text).digest('base64url').slice(0, 16)}`;
  names.set(text, name);
  return { name, text };
}

/** BEGIN, with a lock timeout where the connection's own would outlast the deadline. */
export function beginSql(
  { isolation, deadlineMs }: { readonly isolation: Isolation; readonly deadlineMs: number },
  lockTimeoutMs: number,
): string {
  const remainingMs = Math.max(1, Math.floor(deadlineMs - performance.now()));
  const begin = `begin isolation level ${isolation}`;
  return remainingMs < lockTimeoutMs * 0.9
    ? `${begin}; set local lock_timeout = ${remainingMs}`
    : begin;
}

const identifier = (name: string): string => {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new Error(`not a plain SQL name: '${name}'`);
  return name;
};

const columnNames = <R extends Row>(table: Table<R>): string[] =>
  Object.keys(table.columns).map(identifier);

const lockClause = (guard: readonly Guard[]): string => {
  // NO KEY UPDATE does not block foreign-key checks (KEY SHARE) on this row
  if (guard.includes('lock row, nowait')) return ' for no key update nowait';
  if (guard.includes('lock row, skip locked')) return ' for no key update skip locked';
  return guard.includes('lock row') ? ' for no key update' : '';
};

/** The deciding read of one row by id (`$1`). */
export function readSql<R extends Row>(table: Table<R>, guard: readonly Guard[]): string {
  const columns = columnNames(table).join(', ');
  return `select ${columns} from ${identifier(table.name)} where id = $1${lockClause(guard)}`;
}

/**
 * The deciding read of the first matching row. Lock and limit are in the same select, so that a
 * waiter moves on to the next row; a row chosen in a subquery would be taken twice.
 */
export function readAnySql<R extends Row>(
  table: Table<R>,
  where: Partial<R>,
  guard: readonly Guard[],
): { readonly text: string; readonly values: readonly Value[] } {
  const values: Value[] = [];
  const terms = matching(where, values);
  const columns = columnNames(table).join(', ');
  const text =
    `select ${columns} from ${identifier(table.name)} where ${terms.join(' and ')}` +
    ` order by id limit 1${lockClause(guard)}`;
  return { text, values };
}

/**
 * Claims the row for a fencing token (`$2`); holders of an older or the same token are rejected.
 * `where` repeats the condition that the row was chosen by, since it may have been taken since.
 */
export function claimFenceSql<R extends Row>(
  table: Table<R>,
  id: string,
  token: bigint,
  where: Partial<R> = {},
): { readonly text: string; readonly values: readonly Value[] } {
  const values: Value[] = [id, token];
  const terms = ['id = $1', 'fence < $2', ...matching(where, values)];
  const columns = columnNames(table).join(', ');
  const text =
    `update ${identifier(table.name)} set fence = $2 where ${terms.join(' and ')}` +
    ` returning ${columns}`;
  return { text, values };
}

/** SQL conditions for `where`; appends their parameters to `values`. */
function matching<R extends Row>(where: Partial<R>, values: Value[]): string[] {
  return Object.entries(where).map(([column, value]) =>
    value === null
      ? `${identifier(column)} is null`
      : `${identifier(column)} = $${values.push(columnValue(value))}`,
  );
}

/** Reads the stored fence that rejected a claim or a write. */
export function fenceSql<R extends Row>(table: Table<R>): string {
  return `select fence from ${identifier(table.name)} where id = $1`;
}

/** Blocks all writers of the table, but not readers. */
export function lockTableSql<R extends Row>(table: Table<R>): string {
  return `lock table ${identifier(table.name)} in share row exclusive mode`;
}

export interface Proof {
  readonly version?: number;
  readonly fence?: { readonly token: bigint; readonly operator: '=' | '<=' };
}

/** An update of one row that verifies version and fence; zero rows mean a mismatch. */
export function updateSql<R extends Row>(
  table: Table<R>,
  id: string,
  patch: Partial<R>,
  proof: Proof,
): { readonly text: string; readonly values: readonly Value[] } {
  const values: Value[] = [id];
  const bind = (value: Value): string => `$${values.push(value)}`;
  const set = Object.entries(patch).map(
    ([column, value]) => `${identifier(column)} = ${bind(columnValue(value))}`,
  );
  let where = 'id = $1';
  if (proof.version !== undefined) {
    set.push('version = version + 1');
    where += ` and version = ${bind(proof.version)}`;
  }
  if (proof.fence) {
    const token = bind(proof.fence.token);
    set.push(`fence = ${token}`);
    where += ` and fence ${proof.fence.operator} ${token}`;
  }
  if (set.length === 0) set.push('version = version'); // `touch`: writes the row without changing it
  const text = `update ${identifier(table.name)} set ${set.join(', ')} where ${where} returning id`;
  return { text, values };
}

/** Rejects values that a column cannot hold. */
function columnValue(value: unknown): Value {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      if (value === null) return null;
      throw new TypeError(`a column cannot hold a ${typeof value}`);
  }
}
