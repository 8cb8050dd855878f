import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { type Disown, keeper } from '../keeper/keeper.ts';

/** A database of the explorer's own, beside the one that the URL names. */
export interface OwnDatabase {
  readonly name: string;
  readonly url: string;
  /** Copies it as it is now. Rejects after 5 s where somebody is still connected to it. */
  keep(): Promise<void>;
  /**
   * Ends all sessions in it and recreates it under its name, from the copy or empty if there is none.
   * `settings` are statements that follow, for what a copy of a database does not include.
   */
  renew(settings: readonly string[]): Promise<void>;
  /** Runs a query outside of it, on the same server. */
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** The same, one statement after the other. */
  queryAll(texts: readonly string[]): Promise<void>;
  /** Ends all sessions in it, and drops it and its copy; then runs these. */
  drop(behind?: readonly string[]): Promise<void>;
}

/** Its name holds the time of its creation: that marks it as ours, and shows what is left over. */
const ownName = /^explore_(\d{10})_[0-9a-f]{12}(_kept)?$/;
/** Between its creation and its first session a database looks like one that was left over. */
const leftSeconds = 60;
const sweptMax = 20;
/** Copying and dropping take tenths of a second, or seconds behind a checkpoint of a busy server. */
const adminMs = 60_000;

/**
 * Makes an empty database beside the one that the URL names, so that nobody's rows are touched.
 * Removes what an explorer that was killed has left there.
 */
export async function createDatabase(serverUrl: string): Promise<OwnDatabase> {
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const name = `explore_${nowSeconds}_${randomBytes(6).toString('hex')}`;
  // before it is created, so that it is never there without an owner
  const disown = keeper().own({ kind: 'databases', serverUrl, names: [name, keptOf(name)] });
  await asAdmin(serverUrl, async client => {
    await refusePooler(client);
    await sweep(client, nowSeconds);
    for (const one of making(name, 'template0')) await client.query(one);
  }).catch((error: unknown) => {
    disown();
    throw mayNotCreate(error, serverUrl) ?? error;
  });
  return new Own(serverUrl, name, disown);
}

/** A message that says what to do; undefined for any other error. */
function mayNotCreate(error: unknown, serverUrl: string): Error | undefined {
  if (!(error instanceof pg.DatabaseError) || error.code !== '42501') return undefined;
  const role = decodeURIComponent(new URL(serverUrl).username) || 'of this session';
  return new Error(
    `the role ${role} may not create databases, and the explorer makes one of its own: ` +
      `grant it with "alter role ${role} createdb", or name another role (${error.message})`,
    { cause: error },
  );
}

function keptOf(name: string): string {
  return `${name}_kept`;
}

class Own implements OwnDatabase {
  readonly name: string;
  readonly url: string;
  readonly #serverUrl: string;
  /** Open while there is a copy: its owner is told from one that was killed by this session. */
  #owner: pg.Client | undefined;
  #hasCopy = false;
  readonly #disown: Disown;

  constructor(serverUrl: string, name: string, disown: Disown) {
    this.#serverUrl = serverUrl;
    this.#disown = disown;
    this.name = name;
    const url = new URL(serverUrl);
    url.pathname = `/${name}`;
    this.url = url.href;
  }

  get #kept(): string {
    return keptOf(this.name);
  }

  async keep(): Promise<void> {
    const owner = await this.#own();
    await owner.query(`create database ${this.#kept} template ${this.name}`);
    this.#hasCopy = true;
  }

  async renew(settings: readonly string[]): Promise<void> {
    const owner = await this.#own();
    await this.#drop(owner, this.name);
    const made = making(this.name, this.#hasCopy ? this.#kept : 'template0');
    for (const one of [...made, ...settings]) await owner.query(one);
  }

  async query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const owner = await this.#own();
    return (await owner.query<Record<string, unknown>>(text)).rows;
  }

  async queryAll(texts: readonly string[]): Promise<void> {
    for (const text of texts) await this.query(text);
  }

  async drop(behind: readonly string[] = []): Promise<void> {
    try {
      const owner = await this.#own();
      await this.#drop(owner, this.name);
      await this.#drop(owner, this.#kept);
      this.#disown();
      await this.queryAll(behind);
    } finally {
      await this.#owner?.end();
    }
  }

  async #own(): Promise<pg.Client> {
    this.#owner ??= await connected(this.#serverUrl, `explorer of ${this.name}`);
    return this.#owner;
  }

  async #drop(owner: pg.Client, name: string): Promise<void> {
    const text = `drop database if exists ${name} with (force)`;
    await owner.query(text).catch(async (error: unknown) => {
      if (!isInUse(error)) throw error;
      await asAdmin(this.url, rollbackPrepared); // no force ends these
      await owner.query(text);
    });
  }
}

/**
 * A pooler answers with a process id of its own: the server knows no such session, and it may be
 * another one for each transaction.
 */
async function refusePooler(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  if (rows[0]?.pid === Reflect.get(client, 'processID')) return;
  throw new Error(
    'this Postgres URL leads to a connection pooler (PgBouncer or its kind), where a session is not ' +
      "one backend: no wait could be told from another. Give the explorer the server's own URL",
  );
}

function isInUse(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55006';
}

async function rollbackPrepared(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ text: string }>(`
    select format('rollback prepared %L', gid) as text
    from pg_prepared_xacts where database = current_database()`);
  for (const { text } of rows) await client.query(text);
}

/** Its rows are disposable: no COMMIT needs to reach the disk. */
function making(name: string, template: string): string[] {
  return [
    `create database ${name} template ${template}`,
    `alter database ${name} set synchronous_commit = off`,
  ];
}

/** Drops databases of ours in which nobody is any more: an explorer keeps a session in its own. */
async function sweep(client: pg.Client, nowSeconds: number): Promise<void> {
  const { rows } = await client.query<{ name: string }>(`
    select datname as name from pg_database d
    where datname like 'explore\\_%'
      and not exists (
        select from pg_stat_activity a
        where a.datid = d.oid
          or a.application_name = 'explorer of ' || regexp_replace(d.datname, '_kept$', ''))
    order by 1`);
  const left = rows.filter(({ name }) => {
    const made = Number(ownName.exec(name)?.[1] ?? Number.NaN);
    return nowSeconds - made > leftSeconds;
  });
  for (const { name } of left.slice(0, sweptMax)) {
    // Without force: Postgres refuses if somebody has connected since, or if we may not.
    await client.query(`drop database if exists ${name}`).catch(() => undefined);
  }
}

async function asAdmin(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = await connected(url, 'explorer');
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function connected(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: name,
  });
  client.on('error', () => undefined);
  await client.connect();
  // Not as a startup parameter, which a pooler refuses with an error of its own.
  await client.query(`set statement_timeout = ${adminMs}`);
  return client;
}
