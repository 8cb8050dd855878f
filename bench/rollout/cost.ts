/** What the proof costs a command: the same engine with it and without, block by block in turn. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { decidesInOneStatement } from '../../src/engine/attempt.ts';
import type { RegisteredStrategy, Registry } from '../../src/engine/registry.ts';
import { Engine, type EngineOptions } from '../../src/engine/serve.ts';
import { assignerOf } from '../../src/rollout/assigner.ts';
import { addGates, assignmentSchema } from '../../src/rollout/assignment-schema.ts';
import { type AssignmentRow, Assignments } from '../../src/rollout/assignments.ts';
import { assignPlace, changeGroup } from '../../src/rollout/mover.ts';
import type { Services } from '../../src/services/index.ts';
import { openBackends } from '../../src/store/backends.ts';
import { clientAt } from '../../src/store/connection.ts';
import { migrate } from '../../src/store/migrate.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { randomOf } from '../lab/random.ts';
import { type RatioInterval, ratioInterval } from '../lab/ranking.ts';
import { createRunDatabase } from '../lab/run-database.ts';

/** When it is measured. */
export const moments = ['no rollout', 'during one'] as const;
export type Moment = (typeof moments)[number];

export interface CostPlan {
  readonly registry: Registry;
  readonly services: Services;
  readonly strategies: readonly RegisteredStrategy[];
  /** Commands in flight, on keys of their own. */
  readonly callers: number;
  /** Pairs of blocks, with the proof and without. */
  readonly blocks: number;
  /** Of each caller in a block. */
  readonly commands: number;
  readonly signal: AbortSignal;
}

/** The cost of the proof under one strategy. */
export interface Cost {
  readonly strategy: string;
  /** It decided in one statement, and gets a BEGIN and a COMMIT around it for the proof. */
  readonly autocommit: boolean;
  readonly moment: Moment;
  /** Mean milliseconds of a command without the proof. */
  readonly withoutMs: number;
  /** With over without. */
  readonly ratio: RatioInterval | undefined;
}

const place = { scenario: 'gift-card', variant: 'plain' };
const cardsPerCaller = 20;
const waitMs = 10_000;
/** During a rollout: groups that change hands per second, as they do while a step is reached. */
const changesPerSecond = 20;

type Commands = readonly (() => Promise<void>)[];

/** Measures each strategy at each moment, on a database of its own. */
export async function measureCost(
  plan: CostPlan,
  told: (cost: Cost) => void,
): Promise<readonly Cost[]> {
  const costs: Cost[] = [];
  const database = await createRunDatabase(plan.services.postgres.url);
  try {
    await migrate(database.url, [...plan.registry.scenarios.values(), assignmentSchema]);
    for (const moment of moments)
      for (const strategy of plan.strategies) {
        plan.signal.throwIfAborted();
        const cost = await costOf(plan, database.url, strategy, moment);
        costs.push(cost);
        told(cost);
      }
  } finally {
    await database.drop();
  }
  return costs;
}

async function costOf(
  plan: CostPlan,
  databaseUrl: string,
  strategy: RegisteredStrategy,
  moment: Moment,
): Promise<Cost> {
  const admin = await opened(databaseUrl);
  const pool = new pg.Pool({ Client: clientAt(databaseUrl), max: 2 });
  pool.on('error', () => {}); // the next query reports it
  const runSql = async (text: string) => (await pool.query<AssignmentRow>(text)).rows;
  const beliefs = new Assignments({ runSql, onError: error => Promise.reject(error) });
  await reset(admin);
  if (moment === 'during one')
    await assignPlace(admin, { ...place, strategy: strategy.name }, waitMs);
  await beliefs.start();
  const backends = backendsOf(plan, databaseUrl);
  const stores = { pg: backends.store };
  const shared = { stores, backends: backends.backends, tuning, observer: silent };
  const assigner = assignerOf(beliefs, plan.registry);
  const [without, withProof] = [new Engine(shared), new Engine({ ...shared, assigner })];
  const moving = moment === 'during one' ? moveOn(databaseUrl, strategy.name, beliefs) : undefined;
  try {
    const cards = await makeCards(admin, plan.callers * cardsPerCaller);
    const run = (engine: Engine) => blockMs(plan, commandsOf(plan, engine, strategy, cards));
    await run(without); // warm-up
    if (moment === 'no rollout') await run(withProof);
    const pairs = await pairsOf(
      plan,
      () => run(without),
      () => run(withProof),
    );
    const ratios = pairs.map(pair => pair.withProof / pair.without);
    const withoutMs = pairs.reduce((sum, pair) => sum + pair.without, 0) / pairs.length;
    const ratio = ratioInterval(ratios, randomOf(1, `${strategy.name} ${moment}`));
    const autocommit = decidesInOneStatement(strategy.declared);
    return { strategy: strategy.name, autocommit, moment, withoutMs, ratio };
  } finally {
    await moving?.();
    await Promise.all([without.close(), withProof.close()]);
    await beliefs.stop();
    await Promise.all([backends.close(), pool.end(), admin.end()]);
  }
}

interface Pair {
  readonly without: number;
  readonly withProof: number;
}

/** Mean milliseconds per command; who goes first alternates, so that a drift hits both. */
async function pairsOf(
  { blocks, signal }: CostPlan,
  without: () => Promise<number>,
  withProof: () => Promise<number>,
): Promise<readonly Pair[]> {
  const pairs: Pair[] = [];
  for (let block = 0; block < blocks; block += 1) {
    signal.throwIfAborted();
    if (block % 2 === 0) {
      const first = await without();
      pairs.push({ without: first, withProof: await withProof() });
    } else {
      const first = await withProof();
      pairs.push({ withProof: first, without: await without() });
    }
  }
  return pairs;
}

/** All callers at once, each one command after the other. */
async function blockMs({ commands }: CostPlan, callers: Commands): Promise<number> {
  const fromMs = performance.now();
  await Promise.all(
    callers.map(async command => {
      for (let sent = 0; sent < commands; sent += 1) await command();
    }),
  );
  return (performance.now() - fromMs) / commands;
}

function commandsOf(
  { registry, callers }: CostPlan,
  engine: Engine,
  strategy: RegisteredStrategy,
  cards: readonly string[],
): Commands {
  const scenario = registry.scenarios.get(place.scenario);
  if (!scenario) throw new Error(`there is no scenario '${place.scenario}'`);
  return Array.from({ length: callers }, (_, caller) => {
    let sent = 0;
    return async () => {
      sent += 1;
      const id = cards[caller * cardsPerCaller + (sent % cardsPerCaller)];
      const input = { params: { id }, body: { amountCents: 1 } };
      const command = { ...{ scenario, strategy, input }, variant: place.variant };
      const { outcome } = await engine.serve({ ...command, commandId: randomUUID() });
      if (outcome.kind !== 'accepted')
        throw new Error(`a command under ${strategy.name} was ${outcome.kind}: ${outcome.detail}`);
    };
  });
}

/** Groups change hands, to the same strategy: its cost stays the same, and each epoch is a new one. */
function moveOn(databaseUrl: string, strategy: string, beliefs: Assignments): () => Promise<void> {
  let stopped = false;
  const moving = (async () => {
    const client = await opened(databaseUrl);
    const epochs = new Map<number, bigint>();
    for (let turn = 0; !stopped; turn += 1) {
      const group = turn % 100;
      const epoch = epochs.get(group) ?? 1n;
      const ended = await changeGroup(client, { ...place, group, epoch, to: strategy }, waitMs);
      if (ended.kind === 'changed') epochs.set(group, ended.epoch);
      await beliefs.refresh(); // as the news has it
      await new Promise(resolve => setTimeout(resolve, 1_000 / changesPerSecond));
    }
    await client.end();
  })();
  moving.catch(() => {}); // told at the end
  return async () => {
    stopped = true;
    await moving;
  };
}

const tuning = { waitMs, leaseMs: 30_000, extendLease: true, attemptsMax: 10 };

const silent: EngineOptions['observer'] = {
  phase: () => {},
  failure: () => {},
  release: () => {},
  reachedOut: () => {},
  effectWithoutRecord: () => {},
  outcome: () => {},
};

function backendsOf({ services, callers }: CostPlan, url: string) {
  const connectionsMax = callers + 1;
  const store = new PostgresStore({ url, connectionsMax, lockTimeoutMs: waitMs });
  const backends = openBackends({
    ...{ databaseUrl: url, redisUrl: services.redis.url, redisNodeUrls: [] },
    ...{ lockConnectionsMax: connectionsMax, waitMs, leaseMs: tuning.leaseMs },
  });
  return {
    ...{ store, backends },
    close: async () => {
      await store.close();
      await backends.close();
    },
  };
}

/** Nothing is assigned, as before the first rollout. */
async function reset(client: pg.Client): Promise<void> {
  await client.query(`
    truncate lockstep_assignments, lockstep_places;
    drop schema lockstep_gates cascade;
    create schema lockstep_gates`);
  await addGates(client, [place]);
}

async function makeCards(client: pg.Client, count: number): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string }>(
    `insert into gift_cards (initial_cents, balance_cents, smallest_debit_cents)
     select 1000000, 1000000, 1 from generate_series(1, $1::integer) returning id`,
    [count],
  );
  return rows.map(({ id }) => id);
}

async function opened(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  return client;
}
