import { type Generated, readGenerated } from './generated.ts';
import { type Left, rememberStart, tablesLeft } from './left.ts';
import type { PostgresControl } from './postgres-control.ts';
import type { KeyLeft } from './redis-left.ts';
import type { RedisWorld } from './redis-world.ts';
import type { Subject } from './subject.ts';

/** Whether orders of this subject are compared with serial ones. */
export function judgesSerially({ audit, judge }: Pick<Subject, 'audit' | 'judge'>): boolean {
  return judge === undefined ? audit === undefined : judge === 'serial';
}

/** What every order begins with, and what one has left: to compare orders with one another. */
export class Leftovers {
  generated: Generated = { columns: [], references: [] };
  startKeys: readonly KeyLeft[] = [];
  readonly #wanted: boolean;
  readonly #postgres: PostgresControl;
  readonly #redis: RedisWorld;
  #unseen: readonly string[] = [];

  constructor(subject: Subject, postgres: PostgresControl, redis: RedisWorld) {
    this.#wanted = judgesSerially(subject);
    this.#postgres = postgres;
    this.#redis = redis;
  }

  /** To be called whenever the start has been made. */
  async remember(): Promise<void> {
    if (!this.#wanted) return;
    await rememberStart(this.#postgres);
    this.generated = await readGenerated(this.#postgres);
    const { keys, beyond } = await this.#redis.left();
    this.startKeys = keys;
    this.#unseen = [...beyond, ...(await notCompared(this.#postgres))];
  }

  /** Undefined where nobody compares. */
  async look(): Promise<Left | undefined> {
    if (!this.#wanted) return undefined;
    const [rows, redis] = await Promise.all([tablesLeft(this.#postgres), this.#redis.left()]);
    const beyond = [...this.#unseen, ...rows.beyond, ...redis.beyond];
    return { tables: rows.tables, keys: redis.keys, beyond };
  }
}

/** What holds rows and is not put back either. */
async function notCompared(postgres: PostgresControl): Promise<string[]> {
  const found = await postgres.query(`
    select format('%I.%I', n.nspname, c.relname) as name,
      case c.relkind when 'f' then 'a foreign table' else 'a materialized view' end as kind
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('m', 'f') and n.nspname not in ('pg_catalog', 'information_schema')
    order by 1`);
  return found.map(({ name, kind }) => `${String(name)} is ${String(kind)}, which is not compared`);
}
