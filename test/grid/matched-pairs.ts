import type { Outcome, Strategy } from '../../src/contract/index.ts';
import type { RegisteredScenario } from '../../src/engine/registry.ts';
import { lockKey } from '../../strategies/lib/redis-leases.ts';
import type { OpenEngine } from '../fixtures/engines.ts';
import { Gate, until } from '../fixtures/gate.ts';
import type { OwnRedis } from '../fixtures/redis-server.ts';
import { type Session, waitersSql } from '../fixtures/session.ts';
import { auditOf, callRoute, idOf, serveOne } from '../scenarios/commands.ts';
import { type Actor, actor } from '../strategies/redis-actor.ts';

/** What a step list is played on. */
export interface Stage {
  /** Two processes' worth of engines. */
  readonly one: OpenEngine;
  readonly two: OpenEngine;
  /** Holds a lock that the others run into, until it commits. */
  readonly director: Session;
  readonly observer: Session;
  readonly redis: OwnRedis;
  readonly payrollReversal: RegisteredScenario;
  readonly giftCard: RegisteredScenario;
}

/** One fixed order of steps, whatever strategy plays it: whether harm was done in the end. */
export type Steps = (strategy: Strategy, stage: Stage) => Promise<boolean>;

/** Advisory lock at which a statement that inserts a reversal is stopped. */
export const beforeInsert = 71;
const beforeCommit = 72;

/** Two places at which the director can stop whoever reverses a payroll: snapshots are taken by then. */
export const stopsSql = `
  create function stop_before_insert() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(${beforeInsert}); return null; end $$;
  create trigger stop_before_insert before insert on payroll_reversals
    for each statement execute function stop_before_insert();
  create function stop_before_commit() returns trigger language plpgsql as
    $$ begin perform pg_advisory_xact_lock_shared(${beforeCommit}); return null; end $$;
  create constraint trigger stop_before_commit after insert on payroll_reversals
    deferrable initially deferred for each row execute function stop_before_commit();`;

const stopped = ({ observer }: Stage, count: number): Promise<void> =>
  until(`${count} wait for a lock`, async () => (await observer.value(waitersSql)) === count);

/** The first comes as far as the stop, then the second as far as it gets, then both go on. */
const bothAt =
  (stop: number): Steps =>
  async (strategy, stage) => {
    const { one, two, director, redis, payrollReversal: scenario } = stage;
    const body = { employer: 'Ada', amountCents: 1 };
    const id = idOf(await callRoute(one, scenario, 'post', '/payrolls', { body }));
    const reverse = (open: OpenEngine, adminId: string): Promise<Outcome> => {
      const input = { params: { id }, body: { adminId } };
      return serveOne(open, { scenario, variant: 'plain', strategy, input });
    };
    await director.run('begin', `select pg_advisory_xact_lock(${stop})`);
    const first = reverse(one, '1');
    await stopped(stage, 1);
    const second = reverse(two, '2');
    const queue = `lockstep:queue:payrolls/${id}`;
    await until('the second waits', async () => {
      const inPostgres = (await stage.observer.value(waitersSql)) === 2;
      return inPostgres || (await redis.admin.zcard(queue)) === 1;
    });
    await director.run('commit');
    const told = await Promise.all([first, second]);
    if (!told.some(({ kind }) => kind === 'accepted')) throw new Error('nobody was accepted');
    return (await auditOf(one, scenario, [id])).length > 0;
  };

/** A comes as far as the row, loses its lease, then B comes as far as the row; then A goes on, then B. */
const newerHasOnlyRead: Steps = async (strategy, stage) => {
  const { one, two, director, redis, giftCard: scenario } = stage;
  const body = { initialCents: 50, smallestDebitCents: 1 };
  const id = idOf(await callRoute(one, scenario, 'post', '/gift-cards', { body }));
  const debit = (open: OpenEngine, amountCents: number): Promise<Outcome> => {
    const input = { params: { id }, body: { amountCents } };
    return serveOne(open, { scenario, variant: 'plain', strategy, input });
  };
  await director.run('begin', `select from gift_cards where id = ${id} for no key update`);
  const older = debit(one, 25);
  await stopped(stage, 1);
  const lost = await redis.admin.del(lockKey(`gift_cards/${id}`));
  if (lost !== 1) throw new Error('nobody had the lease');
  const newer = debit(two, 20);
  await stopped(stage, 2);
  await director.run('commit');
  for (const { kind } of await Promise.all([older, newer]))
    if (kind !== 'accepted') throw new Error(`a debit was ${kind}`);
  return (await auditOf(one, scenario, [id])).length > 0;
};

const key = 'pairs/1';

async function actors(strategy: Strategy, { redis }: Stage, count: number): Promise<Actor[]> {
  const made = Array.from({ length: count }, () => actor(strategy, [redis], { leaseMs: 300 }));
  return Promise.all(made);
}

/** A's lease passes, B gets it, A gives back what it had: whether C gets in beside B. */
const lateRelease: Steps = async (strategy, stage) => {
  const [a, b, c] = await actors(strategy, stage, 3);
  if (!a || !b || !c) throw new Error('three actors were asked for');
  const gate = new Gate();
  const late = a.turn(key, () => gate.pass());
  await gate.arrived;
  await stage.redis.admin.del(lockKey(key)); // the lease of A is over
  const inside = await b.turn(key, async () => {
    gate.open();
    await late;
    return c.turn(key, async () => true, 100).catch(() => false);
  });
  await Promise.all([a, b, c].map(one => one.close()));
  return inside;
};

/** A dies after the first command that it sent; its lease passes: whether B is kept out. */
const diesAfterItsFirstCommand: Steps = async (strategy, stage) => {
  const { admin } = stage.redis;
  const [a, b] = await actors(strategy, stage, 2);
  if (!a || !b) throw new Error('two actors were asked for');
  await admin.acl('SETUSER', 'default', '-pexpire'); // what would come second does not come
  await a.turn(key, async () => a.backends.redis.disconnect()).catch(() => {});
  if ((await admin.exists(lockKey(key))) !== 1) throw new Error('A left nothing behind');
  await admin.acl('SETUSER', 'default', '+pexpire');
  // B waits for three times as long as the lease
  const stuck = await b.turn(key, async () => false, 900).catch(() => true);
  await Promise.all([a, b].map(one => one.close()));
  return stuck;
};

/** The step list of every hazard, by its name. */
export const stepsOf: Readonly<Record<string, Steps>> = {
  'insert-where': bothAt(beforeInsert),
  unprotected: bothAt(beforeInsert),
  'parent-lock-snapshot': bothAt(beforeInsert),
  'process-mutex': bothAt(beforeInsert),
  recheck: bothAt(beforeInsert),
  'redis-lease-fenced-write': newerHasOnlyRead,
  'redis-released-early': bothAt(beforeCommit),
  'redis-setnx-expire': diesAfterItsFirstCommand,
  'redis-unsafe-release': lateRelease,
  'repeatable-read': bothAt(beforeInsert),
};
