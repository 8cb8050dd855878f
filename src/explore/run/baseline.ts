import type { PostgresControl } from './postgres-control.ts';
import type { RedisControl } from './redis-control.ts';

const shadow = 'explorer_baseline';

/** The rows, sequences and keys that every execution starts from. */
export class Baseline {
  readonly #postgres: PostgresControl;
  readonly #redis: readonly RedisControl[];
  readonly #statement: string;
  readonly #keys: readonly (readonly RedisKey[])[];

  private constructor(
    postgres: PostgresControl,
    redis: readonly RedisControl[],
    statement: string,
    keys: readonly (readonly RedisKey[])[],
  ) {
    this.#postgres = postgres;
    this.#redis = redis;
    this.#statement = statement;
    this.#keys = keys;
  }

  /** Remembers what the setup left behind. */
  static async capture(
    postgres: PostgresControl,
    redis: readonly RedisControl[],
  ): Promise<Baseline> {
    const keys = await Promise.all(redis.map(captureKeys));
    return new Baseline(postgres, redis, await captureRows(postgres), keys);
  }

  /**
   * Puts everything back. TRUNCATE, not DELETE: a new file gives the same physical order of rows
   * in every execution, and with it the same answer to a query without ORDER BY.
   */
  async restore(): Promise<void> {
    await this.#postgres.query(this.#statement);
    for (const [node, redis] of this.#redis.entries()) {
      await redis.ask('flushdb');
      await redis.ask('script', 'flush');
      for (const { key, value, ttlMs } of this.#keys[node] ?? []) {
        await redis.ask('set', key, value, ...(ttlMs > 0 ? ['px', String(ttlMs)] : []));
      }
    }
  }
}

interface RedisKey {
  readonly key: string;
  readonly value: string;
  readonly ttlMs: number;
}

async function captureKeys(redis: RedisControl): Promise<RedisKey[]> {
  const keys = await redis.ask('keys', '*');
  const captured: RedisKey[] = [];
  for (const key of Array.isArray(keys) ? keys.map(String).sort() : []) {
    const type = String(await redis.ask('type', key));
    if (type !== 'string') {
      throw new Error(`setup left the Redis key ${key} (${type}); only strings can be put back`);
    }
    captured.push({
      key,
      value: String(await redis.ask('get', key)),
      ttlMs: Number(await redis.ask('pttl', key)),
    });
  }
  return captured;
}

const userTables = `
  select c.oid, n.nspname as schema, c.relname as name,
    (select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        and a.attgenerated = '') as columns
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', '${shadow}')
    and n.nspname not like 'pg_toast%' and n.nspname not like 'pg_temp%'
  order by 2, 3`;

const userSequences = `
  select format('%I.%I', schemaname, sequencename) as name, last_value, start_value
  from pg_sequences where schemaname <> '${shadow}' order by 1`;

async function captureRows(postgres: PostgresControl): Promise<string> {
  await postgres.query(`drop schema if exists ${shadow} cascade; create schema ${shadow}`);
  const tables = await postgres.query(userTables);
  const sequences = await postgres.query(userSequences);
  const statements = ["set session_replication_role = replica; set client_min_messages = 'error'"];
  const names = tables.map(({ schema, name }) => `${identifier(schema)}.${identifier(name)}`);
  if (names.length > 0) statements.push(`truncate ${names.join(', ')}`);
  for (const [index, { oid, columns }] of tables.entries()) {
    const name = names[index] ?? '';
    await postgres.query(
      `create table ${shadow}.t${String(oid)} as select ${columns} from ${name}`,
    );
    const [rows] = await postgres.query(`select count(*)::int as n from ${shadow}.t${String(oid)}`);
    if (rows?.n === 0) continue;
    statements.push(
      `insert into ${name} (${columns}) overriding system value table ${shadow}.t${String(oid)}`,
    );
  }
  for (const { name, last_value, start_value } of sequences) {
    const called = last_value !== null;
    statements.push(
      `select setval('${String(name)}', ${called ? last_value : start_value}, ${called})`,
    );
  }
  statements.push('reset session_replication_role');
  return statements.join(';\n');
}

function identifier(name: unknown): string {
  return `"${String(name).replaceAll('"', '""')}"`;
}
