/** A booking transaction: the throughput of Postgres, of node-postgres, and of the engine. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Observer } from '../../src/engine/observer.ts';
import type { Registry } from '../../src/engine/registry.ts';
import { Engine } from '../../src/engine/serve.ts';
import type { Keeper } from '../../src/services/index.ts';
import { openBackends } from '../../src/store/backends.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import { closeAll, type OpenContest, type OpenEntry, perSecond } from './contest.ts';
import { pgbench } from './pgbench.ts';

const inFlight = 8;
const cardsMany = 10_000;
const cents = 1_000_000_000;
const tuning = { waitMs: 10_000, leaseMs: 10_000, extendLease: true, attemptsMax: 50 } as const;

/** Creates cards that are never used up, with ids from 1. */
export async function makeCards(databaseUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  await client.query(
    `insert into gift_cards (initial_cents, balance_cents, smallest_debit_cents)
     select $1::integer, $1::integer, 1 from generate_series(1, $2::integer)`,
    [cents, cardsMany],
  );
  await client.query('vacuum analyze gift_cards');
  await client.end();
}

const smallest = 'select smallest_debit_cents as smallest from gift_cards where id = $1';
const begin = 'begin isolation level read committed';
const read =
  'select id, balance_cents, version, fence from gift_cards where id = $1 for no key update';
const write = 'update gift_cards set balance_cents = $2 where id = $1 returning id';
const record =
  'insert into gift_card_debits (card_id, amount_cents, command_id) values ($1, $2, $3) returning id';

const ofSequelize = ['sequelize-row-lock', 'sequelize-version'] as const;

export const anyCard = (): string => String(1 + Math.floor(Math.random() * cardsMany));

/** The statements of `gift-card` under `row-lock`, written by hand with the driver. */
function byHand(databaseUrl: string): OpenEntry {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: inFlight });
  pool.on('error', () => {}).on('connect', client => client.on('error', () => {})); // the query reports it
  const send = (client: pg.Pool | pg.PoolClient, name: string, text: string, values: unknown[]) =>
    client.query<Record<string, string>>({ name, text, values });
  const debit = async (cardId: string): Promise<void> => {
    await send(pool, 'smallest', smallest, [cardId]);
    const client = await pool.connect();
    try {
      await client.query(begin);
      const { rows } = await send(client, 'read', read, [cardId]);
      await send(client, 'write', write, [cardId, Number(rows[0]?.balance_cents) - 1]);
      await send(client, 'record', record, [cardId, 1, randomUUID()]);
      await client.query('commit');
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  };
  return {
    name: 'pg, by hand',
    measure: seconds => perSecond(inFlight, seconds, () => debit(anyCard())),
    close: () => pool.end(),
  };
}

const silent: Observer = {
  phase() {},
  failure() {},
  release() {},
  reachedOut() {},
  effectWithoutRecord() {},
  outcome() {},
};

/** The same through the engine: a request without HTTP. */
export function throughEngine(
  databaseUrl: string,
  registry: Registry,
  given: {
    readonly strategy: string;
    readonly name?: string;
    readonly inFlight?: number;
    readonly card?: () => string;
    readonly observer?: Observer;
  },
): OpenEntry | undefined {
  const strategy = registry.strategies.get(given.strategy);
  const scenario = registry.scenarios.get('gift-card');
  if (!strategy || !scenario) return undefined;
  const lanes = given.inFlight ?? inFlight;
  const { waitMs, leaseMs } = tuning;
  const shared = { databaseUrl, waitMs, leaseMs, lockConnectionsMax: 1 };
  const backends = openBackends({ ...shared, redisUrl: undefined, redisNodeUrls: [] });
  const limits = {
    url: databaseUrl,
    connectionsMax: lanes,
    lockTimeoutMs: waitMs,
    connectTimeoutMs: waitMs, // all lanes connect at once
  };
  const name = strategy.declared.store;
  const store = name === 'pg' ? new PostgresStore(limits) : new SequelizeStore(limits);
  const observer = given.observer ?? silent;
  const engine = new Engine({ stores: { [name]: store }, backends, tuning, observer });
  const body = { amountCents: 1 };
  const debit = async (): Promise<void> => {
    const input = { params: { id: (given.card ?? anyCard)() }, body };
    const commandId = randomUUID();
    const { outcome } = await engine.serve({
      scenario,
      variant: 'plain',
      strategy,
      commandId,
      input,
    });
    if (outcome.kind !== 'accepted') throw new Error(`${outcome.kind}: ${outcome.detail}`);
  };
  return {
    name: given.name ?? `engine, ${given.strategy}`,
    measure: seconds => perSecond(lanes, seconds, debit),
    async close() {
      await engine.close();
      await store.close();
      await backends.close();
    },
  };
}

const chosen = `\\set card random(1, ${cardsMany})`;
const card = `${chosen}
select smallest_debit_cents as smallest from gift_cards where id = :card;
`;
const insertDebit = `insert into gift_card_debits (card_id, amount_cents, command_id)`;

/** The statements of each strategy, as pgbench scripts. */
const scripts = {
  'row-lock': `${card}${begin};
${read.replace('$1', ':card')} \\gset
update gift_cards set balance_cents = :balance_cents - 1 where id = :card returning id;
${insertDebit} values (:card, 1, gen_random_uuid()) returning id;
commit;
`,
  'advisory-transaction': `${card}${begin};
select pg_advisory_xact_lock(:card);
${read.replace('$1', ':card').replace(' for no key update', '')} \\gset
update gift_cards set balance_cents = :balance_cents - 1 where id = :card returning id;
${insertDebit} values (:card, 1, gen_random_uuid()) returning id;
commit;
`,
  'atomic-update': `${card}with card as (
  update gift_cards set balance_cents = balance_cents - 1
  where id = :card and balance_cents >= 1 returning id
) ${insertDebit}
select id, 1, gen_random_uuid() from card returning id;
`,
} as const;

export interface BookingResources {
  readonly databaseUrl: string;
  readonly registry: Registry;
  readonly keeper: Keeper;
  /** Undefined if not installed. */
  readonly pgbenchCommand: string | undefined;
  readonly folder: string;
}

/** Debits of 10 000 gift cards, 8 in flight. */
export function bookingContest(resources: BookingResources): OpenContest {
  const { databaseUrl, registry, keeper, pgbenchCommand, folder } = resources;
  const hand = byHand(databaseUrl);
  const engines = [...Object.keys(scripts), 'unprotected', ...ofSequelize].flatMap(
    strategy => throughEngine(databaseUrl, registry, { strategy }) ?? [],
  );
  const bench = { keeper, folder, databaseUrl, clients: inFlight };
  const floor = Object.entries(scripts).flatMap(([strategy, script]) =>
    pgbenchCommand
      ? [pgbench({ ...bench, command: pgbenchCommand }, `pgbench, ${strategy}`, script)]
      : [],
  );
  const engine = 'engine, row-lock';
  return {
    title: 'Booking transaction, 8 in flight, 10 000 keys',
    unit: 'debits/s',
    baseline: floor[0]?.name ?? hand.name,
    entries: [...floor, hand, ...engines],
    targets: [
      { of: engine, against: 'pgbench, row-lock', atLeast: 0.6 },
      { of: engine, against: hand.name, atLeast: 0.9 },
      ...ofSequelize.map(name => ({ of: `engine, ${name}`, against: hand.name, atLeast: 0.25 })),
    ],
    notes: [
      'Under row-lock, pgbench, pg and the engine send the same five statements and COMMIT. The engine sends BEGIN together with the first of them; pgbench and pg by hand send it separately.',
      'Under an advisory lock, pgbench locks the number of the card, and the engine a hash of the key.',
      ...(floor.length === 0 ? ['pgbench is not installed; its floor is missing.'] : []),
    ],
    close: () => closeAll([hand, ...engines]),
  };
}

const hotInFlight = 32;

/** One card, 32 callers, synchronous_commit off. */
export function hotContest(resources: BookingResources): OpenContest {
  const { databaseUrl, registry, pgbenchCommand: command } = resources;
  const strategies = ['row-lock', 'atomic-update', 'advisory-transaction', 'unique-slots'];
  const entries = strategies.flatMap(
    strategy =>
      throughEngine(databaseUrl, registry, {
        strategy,
        name: strategy,
        inFlight: hotInFlight,
        card: () => '1',
      }) ?? [],
  );
  const floor = (['row-lock', 'atomic-update'] as const).flatMap(strategy =>
    command
      ? [
          pgbench(
            { ...resources, command, clients: hotInFlight },
            `pgbench, ${strategy}`,
            scripts[strategy].replace(chosen, '\\set card 1'),
          ),
        ]
      : [],
  );
  return {
    title: 'One hot key, 32 in flight, synchronous_commit off',
    unit: 'debits/s',
    baseline: 'row-lock',
    entries: [...entries, ...floor],
    targets: [{ of: 'atomic-update', against: 'row-lock', atLeast: 4 }],
    notes: [
      'Through the engine, without HTTP: the target compares the best safe strategy with a row lock.',
      'Every debit first reads the smallest allowed amount, outside the transaction.',
    ],
    close: () => closeAll(entries),
  };
}
