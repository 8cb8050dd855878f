import { describe, expect, test } from 'vitest';
import { type Judged, result } from '../../src/explore/judge.ts';
import type { Exploration } from '../../src/explore/result.ts';
import type { ActorEnd } from '../../src/explore/run/actor.ts';
import type { ExecutionRecord } from '../../src/explore/run/record.ts';
import { Tally } from '../../src/explore/tally.ts';

/** What orders came to, without any server: one record for each. */
const got: ActorEnd = { kind: 'returned', value: 'got it' };
const threw = (message: string): ActorEnd => ({ kind: 'threw', message });
const told = (status: number, body = ''): ActorEnd => {
  return { kind: 'returned', value: { status, body } };
};

interface Order extends Partial<ExecutionRecord> {
  /** As the schedule says it; nothing happened beside the callers' steps by default. */
  readonly tokens?: readonly string[];
}

const names = ['ann', 'bob'];
const searched = {
  executions: 1,
  pruned: 0,
  exhausted: true,
  stopped: false,
  cut: false,
  covered: 1,
  unrepeated: 0,
};

function tallied(orders: readonly Order[], refusals: readonly (string | RegExp)[] = []): Tally {
  const actors = Object.fromEntries(names.map(name => [name, async () => undefined]));
  const tally = new Tally({ actors, refusals });
  for (const order of orders) count(tally, order);
  return tally;
}

function count(tally: Tally, { tokens = ['A', 'B', 'A', 'B'], ...own }: Order): void {
  const events = tokens.filter(token => /[!%]/.test(token)).length;
  const record: ExecutionRecord = {
    unquiet: [],
    end: { kind: 'ended' },
    ends: [got, got],
    lines: [],
    violations: [],
    sharesState: false,
    hides: [],
    outlived: [],
    late: [],
    occasions: new Set(),
    keptKeys: [],
    expired: [],
    requests: [1, 1],
    elsewhere: [],
    waits: [],
    ...own,
  };
  tally.count({ tokens, cost: { events, preemptions: 1 } }, record, false);
}

/** Callers that met: only what the orders themselves say can be in doubt. */
const met = [{ actors: [0, 1], how: 'bob waited for ann' }];

function judged(tally: Tally, more: Partial<Judged> = {}): Exploration {
  const bound = { events: 0, preemptions: 1, preemptionsWithEvent: undefined };
  const base = { actors: names, bound, assumptions: [] };
  const usual = {
    base,
    end: searched,
    events: [],
    independent: false,
    meetings: met,
    beside: undefined,
  };
  return result(tally, { ...usual, ...more });
}

const verdict = (...orders: readonly Order[]): Exploration => judged(tallied(orders));

test('without a doubt it is safe', () => {
  expect(verdict({}, {})).toMatchObject({ outcome: 'safe', doubts: [] });
});

describe('what a service answers:', () => {
  test('who comes second may well be refused', () => {
    const found = verdict({ ends: [got, told(409)] }, { ends: [told(409), got] });
    expect(found).toMatchObject({ outcome: 'safe', doubts: [] });
  });

  test('who is refused in every order asked for what is not there', () => {
    const found = verdict({ ends: [got, told(404, 'no route')] }, { ends: [got, told(404)] });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('bob was told 404 no route in every order');
    expect(found.advice).toBe(
      'check the path and the body of the request, ' +
        "or, if callers are meant to be refused so, say `refusals: ['404']`",
    );
  });

  test('an error of its own in one order is enough', () => {
    const found = verdict({ ends: [got, told(503, 'pool is empty')] }, {});
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain('bob was told 503 pool is empty in 1 of 2 orders without an event');
    expect(found.advice).toMatch(/^mend it, or, .* `refusals: \['503'\]`$/);
  });

  test.each(['503', 'pool is', /^503/])('unless it is a declared refusal: %s', refusal => {
    const orders = [{ ends: [got, told(503, 'pool is empty')] }, {}];
    expect(judged(tallied(orders, [refusal])).outcome).toBe('safe');
    expect(judged(tallied(orders, ['502'])).outcome).toBe('inconclusive');
  });
});

describe('who never started', () => {
  const first = ['the service ended before it listened (1): no such table', 'spawn psql ENOENT'];

  test.each(first)('is told to be started by hand, and nothing else of it: %s', message => {
    const found = verdict({ ends: [got, threw(message)], requests: [1, 0] });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toContain(`bob never started in every order: threw ${message}`);
    expect(found.advice).toContain('start it by hand');
    expect(found.why).not.toContain('sent no request');
  });

  test('is not who broke while it was asked', () => {
    const found = verdict({ ends: [got, threw('the service ended before it answered (1): boom')] });
    expect(found.why).toMatch(
      /bob threw the service ended before it answered \(1\): boom in every/,
    );
  });
});

test('a second pass counts failures from its start', () => {
  const failing = { ends: [got, threw('boom')] };
  const tally = tallied([failing, failing]);
  tally.startOver();
  for (let order = 0; order < 2; order++) count(tally, {});
  expect(judged(tally)).toMatchObject({ outcome: 'safe', orders: 2 });
  expect(judged(tally).told[1]?.endings).toEqual([{ ending: 'returned "got it"', orders: 2 }]);
});

test('a caller that asked something in one order is none that asks nothing', () => {
  expect(verdict({}, { requests: [0, 1] })).toMatchObject({ outcome: 'safe' });
});

test('keys that live too long to be leases are named, where an event could have ended them', () => {
  const tally = tallied([{ keptKeys: ['idem:7 lives 86 400 s'] }, {}]);
  const found = judged(tally, { events: ['lease-expires'] });
  expect(found.keptKeys).toEqual(['idem:7 lives 86 400 s']);
  expect(judged(tally).keptKeys).toEqual([]);
});

test('only one order is too few', () => {
  const found = verdict({});
  expect(found.outcome).toBe('inconclusive');
  expect(found.why).toContain('1 order of this scenario satisfies the audit, but there was only');
});

describe('that they never met', () => {
  test('is not said of callers whose requests nobody saw', () => {
    const unseen = judged(tallied([{ requests: [1, 0] }, { requests: [1, 0] }]), { meetings: [] });
    expect(unseen.why).toContain('bob sent no request');
    expect(unseen.why).not.toContain('never met');
  });
});

describe('what was not seen stands beside', () => {
  const past = { elsewhere: [{ actor: 1, target: '10.0.0.9:80' }] };

  test('an order that could not be judged', () => {
    const found = verdict({ ...past, end: { kind: 'inconclusive', why: 'it waits' } });
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toMatch(/^v2:ABAB: it waits; bob connected to 10\.0\.0\.9:80 past the gates/);
  });

  test('a counterexample', () => {
    const found = verdict({ ...past, violations: ['two bookings'] });
    expect(found.outcome).toBe('unsafe');
    expect(found.doubts.map(({ why }) => why).join()).toContain('10.0.0.9:80 past the gates');
  });

  test('a budget that was used up, with what one message hid', () => {
    const end = { ...searched, exhausted: false, stopped: true };
    const found = judged(tallied([{ hides: ['call book(): a procedure that may commit'] }]), {
      end,
    });
    expect(found.outcome).toBe('budget-stopped');
    expect(found.why).toContain('held several steps: `call book()` (a procedure that may commit)');
  });
});

test('one after the other that violates already comes before what else was found', () => {
  const serial = { tokens: ['A', 'A', 'B', 'B'], violations: ['two bookings'] };
  const found = verdict({ violations: ['two bookings'] }, serial);
  expect(found.outcome).toBe('setup-failed');
  expect(found.why).toContain('one actor after the other violates already (v2:AABB)');
});
