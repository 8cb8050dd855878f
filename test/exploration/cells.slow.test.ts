import { afterAll, describe, expect, test } from 'vitest';
import { exploreCell, serversOf, subjectOf } from '../../bench/explore/cell.ts';
import { closeProvider, providerUrl } from '../../bench/explore/provider.ts';
import { optionsOf, usualReach } from '../../bench/explore/spec.ts';
import { exploredCell } from '../../bench/explore/verdict.ts';
import { type Exploration, explore, replay, type Subject } from '../../src/explore/explore.ts';
import { cellOf, cellServers } from './cells.ts';

const servers = await cellServers();
afterAll(closeProvider);

const quick = optionsOf({ ...usualReach, events: [], phases: false });

/** What is slow to explore: two switches are among what takes minutes. */
const once = process.env.LOCKSTEP_LONG === '1' ? quick : { ...quick, preemptions: 1 };

async function explored(
  strategies: readonly string[],
  options: Parameters<typeof exploreCell>[2],
  [scenario, variant] = ['appointment', 'plain'],
): Promise<Exploration> {
  return exploreCell(await cellOf(scenario ?? '', variant ?? '', strategies), servers, options);
}

/** One caller alone is never a plain `safe`. */
const alone = { outcome: 'inconclusive', why: expect.stringContaining('is the only caller') };

const part = (found: Exploration, event: string) => found.parts.find(one => one.event === event);

describe('the verdict', () => {
  test('of a row lock: every order satisfies the audit, with and without a crash', async () => {
    const plan = await cellOf('appointment', 'plain', ['row-lock', 'row-lock']);
    const found = await exploreCell(plan, servers, optionsOf({ ...usualReach, events: ['crash'] }));
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true, violating: 0 });
    const { parts } = exploredCell(plan, found, { phases: true, seconds: 1 });
    expect(parts.map(({ event, agreement }) => [event, agreement])).toEqual([
      ['none', 'as claimed'],
      ['crash', 'as claimed'],
    ]);
  });

  test('of an effect outside: every order in which it lost its record is told unknown', async () => {
    const plan = await cellOf('payout', 'plain', ['row-lock', 'row-lock']);
    const events = ['crash', 'backend-terminated'] as const;
    const found = await exploreCell(plan, servers, { ...quick, preemptions: 1, events });
    const { parts } = exploredCell(plan, found, { phases: false, seconds: 1 });
    expect(parts.map(({ event, claimed }) => [event, claimed?.verdict])).toEqual([
      ['none', 'safe'],
      ['crash', 'unsafe'],
      ['backend-terminated', 'safe'],
    ]);
    expect(parts.map(({ agreement }) => agreement)).toEqual(Array(3).fill('as claimed'));
    const cut = parts.find(({ event }) => event === 'backend-terminated');
    expect(cut?.violating).toBeGreaterThan(0);
    expect(cut?.excused).toBe(cut?.violating);
  });

  test('of no lock at all: a duplicate, and a schedule that gives it again, 20 of 20', async () => {
    const plan = await cellOf('appointment', 'plain', ['unprotected', 'unprotected']);
    const found = await exploreCell(plan, servers, quick);
    expect(found.outcome).toBe('unsafe');
    const schedule = found.counterexample?.schedule ?? '';
    const again = { ...quick, servers: serversOf(plan, servers), times: 20 };
    const records = await replay(subjectOf(plan), schedule, again);
    expect(records.map(({ violations }) => violations.length)).toEqual(Array(20).fill(1));
    expect(records[0]?.violations[0]).toContain('duplicate');
  });

  test.each(['row-lock', 'unique-slots', 'row-lock-skip-locked'])(
    'of a couple under %s: both are accepted, and the offer of a third is withdrawn',
    async name => {
      const plan = await cellOf('appointment', 'plain', [name, name], 'couple');
      const found = await exploreCell(plan, servers, quick);
      expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    },
  );

  test('of a couple without a lock: each counts one of two, and the offer of a third stays', async () => {
    const plan = await cellOf('appointment', 'plain', ['unprotected', 'unprotected'], 'couple');
    const found = await exploreCell(plan, servers, quick);
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('inconsistent');
  });

  test.each(['payout', 'gift-card'])(
    'of a couple in %s, which knows none, is refused',
    async scenario => {
      const asked = cellOf(scenario, 'plain', ['row-lock', 'row-lock'], 'couple');
      await expect(asked).rejects.toThrow("unknown round 'couple'; expected one of plain, ");
    },
  );

  test('of a mutex inside a process: its callers are processes, and it does not hold', async () => {
    const found = await explored(['process-mutex', 'process-mutex'], { ...quick, firstOnly: true });
    expect(found.outcome).toBe('unsafe');
    expect(found.why).toContain('duplicate');
  });

  test.each([
    ['row-lock-nowait', 'safe'],
    ['advisory-transaction', 'unsafe'],
    // SHARE ROW EXCLUSIVE lets FOR NO KEY UPDATE pass: that takes ROW SHARE
    ['table-lock', 'unsafe'],
  ])('of one caller under row-lock beside one under %s: %s', async (other, outcome) => {
    expect((await explored(['row-lock', other], quick)).outcome).toBe(outcome);
  });
});

describe("Sequelize's locks", () => {
  test.each(['sequelize-row-lock', 'sequelize-version'])(
    '%s goes through the gate, the same way twice, and holds',
    async name => {
      const first = await explored([name, name], once);
      const second = await explored([name, name], once);
      expect(first).toMatchObject({ outcome: 'safe', exhausted: true });
      expect([...second.ends]).toEqual([...first.ends]);
    },
  );
});

describe('leases', () => {
  test.each(['redlock', 'redlock-4'])(
    '%s goes through the gates, the same way twice, and one acquire is one step',
    async name => {
      const first = await explored([name, name], once);
      const second = await explored([name, name], once);
      expect(first).toMatchObject({ outcome: 'safe', exhausted: true });
      expect([...second.ends]).toEqual([...first.ends]);
      expect(second.orders).toBe(first.orders);
    },
  );

  test('that expire under their holder void the claim', async () => {
    const plan = await cellOf('appointment', 'plain', ['redis-lease', 'redis-lease']);
    const options = { ...quick, events: ['lease-expires'], firstOnly: true } as const;
    const found = await exploreCell(plan, servers, options);
    expect(part(found, 'none')?.violating).toBe(0);
    expect(part(found, 'lease-expires')?.violating).toBeGreaterThan(0);
    const { parts } = exploredCell(plan, found, { phases: false, seconds: 1 });
    expect(parts.map(({ claimed }) => claimed?.verdict)).toEqual(['safe', 'no claim']);
  });

  test('SETNX, then EXPIRE: whoever dies between them leaves everybody stuck', async () => {
    const unsafe = await explored(['redis-setnx-expire'], { ...quick, events: ['crash'] });
    expect(unsafe.counterexample?.schedule).toBe('v2:A!A');
    expect(unsafe.why).toContain('stuck');
    const cure = await explored(['redis-lease'], { ...quick, events: ['crash'] });
    expect(cure).toMatchObject({ exhausted: true, violating: 0, ...alone });
    // the row lock inside helps nobody who does not get that far
    const pair = await cellOf('appointment', 'plain', ['both:redis-setnx-expire+row-lock']);
    const both = await exploreCell(pair, servers, { ...quick, events: ['crash'] });
    expect(both.why).toContain('stuck');
    const { parts } = exploredCell(pair, both, { phases: false, seconds: 1 });
    expect(parts.find(({ event }) => event === 'crash')).toMatchObject({
      claimed: { verdict: 'unsafe' },
      agreement: 'as claimed',
    });
  });

  test('a fence that only the write checks loses an update; one that the read claims does not', async () => {
    const options = { ...once, events: ['lease-expires' as const] };
    const textbook = Array(2).fill('redis-lease-fenced-write');
    const first = { ...options, firstOnly: true };
    const hazard = await explored(textbook, first, ['gift-card', 'plain']);
    expect(hazard.outcome).toBe('unsafe');
    expect(hazard.why).toContain('lost update');
    const claimed = Array(2).fill('redis-lease-fenced');
    const cure = await explored(claimed, options, ['gift-card', 'plain']);
    expect(cure).toMatchObject({ outcome: 'safe', exhausted: true });
  });

  test('DEL without a token: one expiry, and the first lets the third in beside the second', async () => {
    // A commits, its lease passes, B takes it and reads; A deletes B's key; C reads, too
    const schedule = 'v1:AAAAA%BBACCBBBBCCCC';
    const violations = async (name: string): Promise<readonly string[]> => {
      const plan = await cellOf('gift-card', 'plain', [name, name, name]);
      const events = ['lease-expires'] as const;
      const given = { ...quick, events, servers: serversOf(plan, servers) };
      const [record] = await replay(subjectOf(plan), schedule, { ...given, mode: 'guided' });
      return record?.violations ?? ['nothing was run'];
    };
    expect((await violations('redis-unsafe-release')).join()).toContain('lost update');
    expect(await violations('redis-lease')).toEqual([]);
  });
});

describe('a crash at every step', () => {
  test.each([
    'advisory-session',
    'advisory-transaction',
    'redis-lease',
    'redis-lease-queued',
    'redlock',
    'serializable',
    'version-column',
  ])('leaves nothing stuck under %s beyond its lease', async name => {
    const found = await explored([name, name], {
      ...quick,
      preemptions: 1,
      preemptionsWithEvent: 0,
      events: ['crash'],
    });
    expect(found.exhausted).toBe(true);
    expect(part(found, 'crash')?.violating).toBe(0);
  });
});

describe('a lost reply', () => {
  /** A caller that sends its command again when it does not know what became of it. */
  function retrying(subject: Subject): Subject {
    const actors = Object.entries(subject.actors).map(([name, act]) => {
      if (typeof act !== 'function') throw new Error('not in this process');
      const again: typeof act = async urls => {
        const told = await act(urls);
        return JSON.stringify(told).includes('"unknown"') ? act(urls) : told;
      };
      return [name, again] as const;
    });
    const { audit } = subject;
    if (typeof audit !== 'function') throw new Error('the audit asks for what callers were told');
    // what a second answer says of the first command is not the question here
    const paidTwice = (ends: Parameters<typeof audit>[0]): string =>
      `select * from (${audit(ends)}) as found where kind = 'duplicate'`;
    return { ...subject, actors: Object.fromEntries(actors), audit: paidTwice };
  }

  test.each([
    ['plain', { outcome: 'unsafe' }],
    ['idempotency-key', { violating: 0, ...alone }],
  ])('makes a caller that tries again pay twice, but for a key: %s', async (variant, found) => {
    const plan = await cellOf('payout', variant, ['row-lock']);
    const subject = retrying(subjectOf(plan));
    const given = { ...serversOf(plan, servers), httpUrls: [await providerUrl()] };
    const options = { ...quick, events: ['lost-reply' as const], servers: given };
    const explored = await explore(subject, options);
    expect(explored).toMatchObject({ exhausted: true, ...found });
    expect(JSON.stringify([...explored.ends.keys()])).toContain('accepted');
  });
});
