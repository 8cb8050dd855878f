import { afterAll, describe, expect, test } from 'vitest';
import { type CellPlan, exploreCell } from '../../bench/explore/cell.ts';
import { equalCallers } from '../../bench/explore/commands.ts';
import { closeProvider } from '../../bench/explore/provider.ts';
import { optionsOf, usualReach } from '../../bench/explore/spec.ts';
import { exploredCell } from '../../bench/explore/verdict.ts';
import { type Rule, type Strategy, sql, strategy } from '../../src/contract/index.ts';
import type { Exploration } from '../../src/explore/explore.ts';
import { cellOf, cellServers } from './cells.ts';

const servers = await cellServers();
afterAll(closeProvider);

const quick = optionsOf({ ...usualReach, events: [], preemptions: 1, phases: false });

const two = (name: string): string[] => [name, name];

/** The cell with another strategy in it, as one that is loaded from a file. */
async function under(declared: Strategy, round = 'plain'): Promise<CellPlan> {
  const plan = await cellOf('appointment', 'plain', two('unprotected'), round);
  const strategy = { name: 'mine', file: 'mine.ts', declared };
  return { ...plan, strategies: [strategy, strategy] };
}

function leased(turn: Strategy['turns'][number]['open']): Strategy {
  return strategy({
    title: 'a lock of a test',
    turns: [{ heldBy: 'lease', until: 'commit', open: turn }],
    adoption: { newDependency: 'redis' },
  });
}

describe('a fresh caller comes after every order', () => {
  /** Who had to ask twice forgets to give the lock back, which has no TTL: all callers are served. */
  const forgetful = leased(async ({ redis, now, sleep }) => ({
    async turn(attempt, keys, inner) {
      const lock = `forgetful:${keys.join()}`;
      let tries = 0;
      while ((await redis.set(lock, attempt.commandId, 'NX')) === null) {
        if (now() >= attempt.deadlineMs) throw attempt.failure('turn-refused');
        await sleep(3);
        tries += 1;
      }
      try {
        return await inner({});
      } finally {
        if (tries === 0) await redis.del(lock);
        attempt.report('released');
      }
    },
    async close() {},
  }));

  test('and is stuck behind a lock that nobody gave back, though everybody was served', async () => {
    const found = await exploreCell(await under(forgetful), servers, quick);
    expect(found.why).toContain('stuck');
    expect(found.outcome).toBe('unsafe');
  });
});

test('an acquire that never settles is no verdict about orders, and breaks no claim', async () => {
  const plan = await under(
    leased(async () => ({ turn: () => new Promise(() => {}), close: async () => {} })),
  );
  const cell = exploredCell(plan, await exploreCell(plan, servers, quick), {
    phases: false,
    seconds: 1,
  });
  expect(cell.outcome).toBe('inconclusive');
  expect(cell.parts.map(({ agreement }) => agreement)).toEqual(['nothing claimed']);
});

describe('a refusal is held against what was free in the end', () => {
  const lookPast = sql<{ id: string }>`
    select id from coupons where campaign_id = $1 and owner_id is null
    order by id limit 1 for no key update skip locked`;
  const give = sql<{ id: string }>`
    with given as (update coupons set owner_id = $3 where id = $2)
    insert into coupon_claims (campaign_id, coupon_id, user_id, command_id)
    values ($1, $2, $3, $4) returning id`;

  test('also where the one who had held it crashed', async () => {
    const plan = await cellOf('coupon', 'plain', two('row-lock-skip-locked'), 'scarce');
    const { variants } = plan.scenario.registered;
    const { plain } = variants;
    if (!plain) throw new Error('coupon has a plain variant');
    /** Does not ask again without SKIP LOCKED: a coupon that somebody holds is none. */
    const hasty: Rule<string> = async (tx, campaignId, { commandId }) => {
      const [free] = await tx.query(lookPast, [campaignId]);
      if (!free) return { refused: 'none left' };
      const [claim] = await tx.query(give, [campaignId, free.id, '7', commandId]);
      return claim ? { accepted: claim.id } : { refused: 'gone' };
    };
    const prepare: typeof plain.prepare = async (input, query) => {
      const made = await plain.prepare(input, query);
      return { ...made, run: (_, tx, context) => hasty(tx, made.auditKey, context) };
    };
    const registered = {
      ...plan.scenario.registered,
      variants: { ...variants, plain: { ...plain, prepare } },
    };
    const options = { ...quick, events: ['crash' as const], preemptions: 1 };
    const hastily = { ...plan, scenario: { ...plan.scenario, registered } };
    const found = await exploreCell(hastily, servers, options);
    expect(found.parts.find(({ event }) => event === 'crash')?.violating).toBeGreaterThan(0);
    expect(found.parts.find(({ event }) => event === 'none')?.violating).toBe(0);
    expect(found.why).toContain('false refusal');
    const cure = await exploreCell(plan, servers, options);
    expect(cure).toMatchObject({ outcome: 'safe', exhausted: true });
  });
});

describe('the round', () => {
  test('opposite: payments both ways deadlock where cards are locked unsorted', async () => {
    const plan = await cellOf('transfer', 'unsorted', two('row-lock'), 'opposite');
    const found = await exploreCell(plan, servers, quick);
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect([...found.ends.keys()].join()).toMatch(/"attempts":2/); // the victim's second try
    const usual = await cellOf('transfer', 'unsorted', two('row-lock'));
    expect([...(await exploreCell(usual, servers, quick)).ends.keys()].join()).not.toMatch(
      /"attempts":2/,
    );
  });

  test('scarce: one of two is told that no coupon is left', async () => {
    const plan = await cellOf('coupon', 'plain', two('row-lock-skip-locked'), 'scarce');
    const found = await exploreCell(plan, servers, quick);
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect([...found.ends.keys()].join()).toContain('none left');
  });

  test('same-key: two calls under one key are one payment without any lock', async () => {
    const keyed = await cellOf('coupon', 'plain', two('unprotected'), 'same-key');
    const found = await exploreCell(keyed, servers, quick);
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect([...found.ends.keys()].join()).toContain('"commandId"'); // one is given the other's answer
    const without = await cellOf('coupon', 'plain', two('unprotected'), 'double-tap');
    expect((await exploreCell(without, servers, quick)).outcome).toBe('unsafe');
  });
});

describe('callers are identical', () => {
  test('where their calls are equal, and not where they differ', async () => {
    const orders = async (round: string): Promise<number> => {
      const plan = await cellOf('gift-card', 'plain', two('row-lock'), round);
      const { outcome, orders: count } = await exploreCell(plan, servers, quick);
      expect(outcome).toBe('safe');
      return count;
    };
    expect(await orders('plain')).toBeGreaterThan(await orders('double-tap'));
  });

  test('by what they send, under which key and strategy', async () => {
    const plan = await cellOf('gift-card', 'plain', ['row-lock', 'row-lock', 'unprotected']);
    const [one, other] = plan.strategies;
    const [, , third] = plan.strategies;
    if (!one || !other || !third) throw new Error('three callers were asked for');
    const call = (strategy: typeof one, amountCents: number, key?: string) => ({
      scenario: plan.scenario,
      variant: plan.variant,
      strategy,
      commandId: 'any',
      input: { params: { id: '1' }, body: { amountCents } },
      plan: { keys: [], auditKey: '1', run: () => Promise.reject(new Error('not run')) },
      ...(key && { idempotency: { key, fingerprint: '' } }),
    });
    const groups = equalCallers(
      ['A', 'B', 'C', 'D', 'E'],
      [call(one, 5), call(other, 5), call(third, 5), call(one, 6), call(one, 5, 'key')],
    );
    expect(groups).toEqual([['A', 'B'], ['C'], ['D'], ['E']]);
  });
});

describe('an effect without its record', () => {
  test('excuses the orders in which it was left, and no other', async () => {
    const plan = await cellOf('payout', 'plain', two('row-lock'));
    const end = (detail: string) => `A returned {"outcome":"unknown","detail":"${detail}"`;
    const again = `${end('effect-unknown')}} · duplicate`;
    const part = (ends: Exploration['parts'][number]['ends']): Exploration => ({
      ...blank,
      parts: [{ event: 'none', orders: 9, violating: 1, counterexample: undefined, ends }],
    });
    const agreement = (found: Exploration) =>
      exploredCell(plan, found, { phases: true, seconds: 1 }).parts[0];
    const one = { orders: 1, violating: 1 };
    const excused = agreement(part(new Map([[again, one]])));
    expect(excused).toMatchObject({ agreement: 'as claimed', excused: 1 });
    const beside = new Map([
      [again, { orders: 1, violating: 0 }],
      [`${end('outcome-unknown')}} · duplicate`, one],
    ]);
    expect(agreement(part(beside))?.agreement).toBe('claim violated');
  });

  const blank: Omit<Exploration, 'parts'> = {
    actors: [],
    outcome: 'unsafe',
    why: '',
    orders: 9,
    violating: 1,
    pruned: 0,
    exhausted: true,
    cut: false,
    bound: { events: 0, preemptions: 1, preemptionsWithEvent: undefined },
    covered: 1,
    ends: new Map(),
    assumptions: [],
    counterexample: undefined,
    sampled: undefined,
    waited: 0,
    serial: undefined,
    explained: undefined,
    advice: undefined,
    cause: undefined,
    doubts: [],
    told: [],
    meetings: [],
    hidden: [],
    noOccasion: [],
    keptKeys: [],
  };
});

const long = process.env.LOCKSTEP_LONG === '1'; // Sequelize's take two minutes
const comparing: (readonly [scenario: string, name: string])[] = [
  ['appointment', 'version-column'],
  ['gift-card', 'version-column'],
  ...(long ? [['appointment', 'sequelize-version'] as const] : []),
];

test.each(comparing)(
  'three callers of %s under %s get a verdict: who of two waiters goes first is the server’s choice',
  async (scenario, name) => {
    const plan = await cellOf(scenario, 'plain', [name, name, name]);
    const found = await exploreCell(plan, servers, quick);
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  },
  900_000, // two thousand orders, on a machine that gives a fraction of its cores
);
