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

  /** Puts everything back. */
  async restore(): Promise<void> {
    await Promise.all([this.restoreRows(), this.restoreKeys()]);
  }

  /** Rows and sequences, and rows where they were: a query without ORDER BY answers alike. */
  async restoreRows(): Promise<void> {
    await this.#postgres.query(this.#statement);
  }

  /** Keys, and no script is known: done before an actor connects, for its client may load some. */
  async restoreKeys(): Promise<void> {
    await Promise.all(this.#redis.map((redis, node) => restoreKeys(redis, this.#keys[node] ?? [])));
  }
}

interface RedisKey {
  readonly key: string;
  readonly value: string;
  readonly ttlMs: number;
}

/** Redis takes commands of one connection in their order: nothing has to be waited for between. */
async function restoreKeys(redis: RedisControl, keys: readonly RedisKey[]): Promise<void> {
  await Promise.all([
    redis.ask('flushdb'),
    redis.ask('script', 'flush'),
    ...keys.map(({ key, value, ttlMs }) =>
      redis.ask('set', key, value, ...(ttlMs > 0 ? ['px', String(ttlMs)] : [])),
    ),
  ]);
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

/** A table may be emptied by DELETE so often, and while its rows are this small. */
const deletesMax = 8;
const smallBytes = 256;

/**
 * Copies every row and writes `explorer_baseline.restore()`. TRUNCATE gives a new file and with it
 * the same physical order of rows in every execution, but creates and removes files: ten times the
 * rest. A page that has room keeps the order as well: what is inserted comes last, and Postgres
 * takes back dead rows of a page only when nine tenths of it are full (README.optim.HOT). So small
 * tables are emptied by DELETE a few times in a row, and nothing is done to those that stayed empty.
 */
async function captureRows(postgres: PostgresControl): Promise<string> {
  await postgres.query(`drop schema if exists ${shadow} cascade; create schema ${shadow}`);
  const tables = await postgres.query(userTables);
  const sequences = await postgres.query(userSequences);
  const used: string[] = [];
  const small: string[] = [];
  const deletes: string[] = [];
  const inserts: string[] = [];
  const names = tables.map(({ schema, name }) => `${identifier(schema)}.${identifier(name)}`);
  for (const [index, { oid, columns }] of tables.entries()) {
    const name = names[index] ?? '';
    const copy = `${shadow}.t${String(oid)}`;
    await postgres.query(`create table ${copy} as select ${columns} from ${name}`);
    const [rows] = await postgres.query(`select count(*)::int as n from ${copy}`);
    used.push(`pg_relation_size(${String(oid)}) > 0`);
    small.push(`pg_relation_size(${String(oid)}) <= 8192
      and (select coalesce(sum(pg_column_size(t)), 0) <= ${smallBytes} from ${name} t)`);
    const empties = `delete from ${name}`;
    deletes.push(
      rows?.n === 0 ? `if pg_relation_size(${String(oid)}) > 0 then ${empties}; end if` : empties,
    );
    if (rows?.n === 0) continue;
    inserts.push(`insert into ${name} (${columns}) overriding system value table ${copy}`);
  }
  for (const { name, last_value, start_value } of sequences) {
    const called = last_value !== null;
    inserts.push(
      `perform setval('${String(name)}', ${called ? last_value : start_value}, ${called})`,
    );
  }
  const truncates = names.length === 0 ? 'null' : `truncate ${names.join(', ')}`;
  await postgres.query(`
    create sequence ${shadow}.deletes;
    create function ${shadow}.restore() returns void language plpgsql
    set session_replication_role = replica set client_min_messages = 'error' as $restore$
    begin
      if ${[...used, 'false'].join(' or ')} then
        if nextval('${shadow}.deletes') % ${deletesMax} <> 1 and ${[...small, 'true'].join(' and ')} then
          ${deletes.map(one => `${one};`).join('\n          ')}
        else
          ${truncates};
        end if;
      end if;
      ${inserts.map(one => `${one};`).join('\n      ')}
    end $restore$`);
  return `select ${shadow}.restore()`;
}

function identifier(name: unknown): string {
  return `"${String(name).replaceAll('"', '""')}"`;
}
