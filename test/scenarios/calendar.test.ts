import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Isolation } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import {
  auditOf,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  somebodyWaitsFor,
  toldOf,
  worded,
} from './commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'calendar');
let open: OpenEngine;
let a: Session;
let b: Session;

beforeAll(async () => {
  open = openEngine(urls);
  [a, b] = await Promise.all([Session.open(urls.databaseUrl), Session.open(urls.databaseUrl)]);
});
afterAll(async () => {
  await Promise.all([open.close(), a.close(), b.close()]);
});

const newTherapist = async (): Promise<string> =>
  idOf(await callRoute(open, scenario, 'post', '/therapists', { body: { name: 'Ida' } }));

/** Asks for so many hours from an hour of the day on. */
const newRequest = async (therapistId: string, from: number, hours: number): Promise<string> => {
  const at = (hour: number) => new Date(Date.UTC(2030, 0, 1, hour)).toISOString();
  const body = { client: 'Bo', startsAt: at(from), endsAt: at(from + hours) };
  const params = { id: therapistId };
  return idOf(
    await callRoute(open, scenario, 'post', '/therapists/:id/visit-requests', { params, body }),
  );
};

const book = (therapistId: string, requestId: string, strategy = worded('steps')) =>
  serveOne(open, {
    scenario,
    variant: 'plain',
    strategy,
    input: { params: { id: therapistId }, body: { requestId } },
  });

/** The most of these hours that do not overlap, by trying every choice. */
function mostApart(hours: readonly (readonly [from: number, hours: number])[]): number {
  const [first, ...rest] = hours;
  if (!first) return 0;
  const [from, many] = first;
  const beside = rest.filter(([other, long]) => other >= from + many || from >= other + long);
  return Math.max(mostApart(rest), 1 + mostApart(beside));
}

const kindsOf = async (...audited: Parameters<typeof auditOf>): Promise<string[]> =>
  (await auditOf(...audited)).map(({ kind }) => kind);

describe('the wordings', () => {
  test('agree with the model, whichever wrote before', async () => {
    const wordings = scenario.registered.variants.plain?.wordings ?? [];
    expect(wordings).toEqual(['steps', 'conditional insert', 'exclusion']);
    const command = fc.record({
      from: fc.nat(8),
      hours: fc.integer({ min: 1, max: 3 }),
      wording: fc.constantFrom(...wordings),
    });
    const sequences = fc.array(command, { minLength: 1, maxLength: 6 });
    const agrees = fc.asyncProperty(sequences, async commands => {
      const therapistId = await newTherapist();
      const busy = new Set<number>(); // hours of the day
      for (const { from, hours, wording } of commands) {
        const wanted = Array.from({ length: hours }, (_, n) => from + n);
        const expected = wanted.some(hour => busy.has(hour)) ? 'taken' : 'accepted';
        if (expected === 'accepted') for (const hour of wanted) busy.add(hour);
        const requestId = await newRequest(therapistId, from, hours);
        const told = toldOf(await book(therapistId, requestId, worded(wording)));
        expect({ wording, told }).toEqual({ wording, told: expected });
      }
      const refusedKeys = [therapistId];
      expect(await auditOf(open, scenario, [therapistId], { refusedKeys })).toEqual([]);
    });
    await fc.assert(agrees, { numRuns: 40 });
  });
});

describe('the audit', () => {
  test('is told the therapist, whatever the variant locks', async () => {
    const id = await newTherapist();
    const input = { params: { id }, body: { requestId: await newRequest(id, 10, 1) } };
    for (const variant of Object.keys(scenario.registered.variants)) {
      const plan = await scenario.registered.prepare(variant, input, open.store.query);
      expect(plan.auditKey).toBe(id);
    }
  });

  test('finds planted visits that overlap', async () => {
    const id = await newTherapist();
    const requestId = await newRequest(id, 10, 1);
    await a.run(`
      insert into visits (therapist_id, request_id, during, command_id)
      select ${id}, ${requestId}, during, gen_random_uuid() from visit_requests, generate_series(1, 3)
      where id = ${requestId}`);
    expect(await auditOf(open, scenario, [id])).toEqual([
      {
        key: id,
        kind: 'duplicate',
        excess: 2,
        detail: '2 of 3 overlapping visits of one therapist have to go',
      },
    ]);
  });

  /** Books these hours of one therapist, whatever is in the way. */
  const planted = async (hours: readonly (readonly [from: number, hours: number])[]) => {
    const id = await newTherapist();
    for (const [from, many] of hours) {
      const requestId = await newRequest(id, from, many);
      await a.run(`
        insert into visits (therapist_id, request_id, during, command_id)
        select therapist_id, id, during, gen_random_uuid() from visit_requests where id = ${requestId}`);
    }
    return id;
  };
  const excessOf = async (id: string): Promise<number> =>
    (await auditOf(open, scenario, [id])).reduce((sum, { excess }) => sum + excess, 0);

  test.each([
    ['a chain, whose middle has to go', '10-12 11-13 12-14', 1],
    ['a long visit over two short ones', '10-14 10-11 12-13', 1],
    ['a long visit over two short ones, behind others', '10-12 11-13 12-16 12-13 13-14', 2],
    ['two chains', '1-3 2-4 10-12 11-13 12-14 13-15', 3],
    ['hours that only touch', '10-11 11-12 12-13', 0],
  ])('counts what has to go of %s', async (_, text, expected) => {
    const hours = text.split(' ').map(one => one.split('-').map(Number));
    const id = await planted(hours.map(([from = 0, to = 0]) => [from, to - from] as const));
    expect(await excessOf(id)).toBe(expected);
  });

  test('counts the least that has to go, whatever the hours are', async () => {
    const hours = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 4 })), { maxLength: 9 });
    const least = fc.asyncProperty(hours, async drawn => {
      expect(await excessOf(await planted(drawn))).toBe(drawn.length - mostApart(drawn));
    });
    await fc.assert(least, { numRuns: 40 });
  });

  test('finds a refusal beside visits that were not in the way', async () => {
    const id = await planted([[10, 2]]);
    const [inTheWay, beside] = [await newRequest(id, 11, 2), await newRequest(id, 12, 2)];
    const refused = (requestId: string) =>
      auditOf(open, scenario, [id], { refusedKeys: [`${id}/${requestId}`] });
    expect(await refused(inTheWay)).toEqual([]);
    expect(await refused(beside)).toEqual([
      {
        key: id,
        kind: 'false refusal',
        excess: 1,
        detail: `a caller was refused request ${beside}, whose hours overlap no visit`,
      },
    ]);
  });

  test('finds an acknowledged visit that is not there, and a refusal by an empty calendar', async () => {
    const id = await newTherapist();
    const claimed = { acknowledged: [[id, randomUUID()]] as const, refusedKeys: [id] };
    const kinds = await kindsOf(open, scenario, [id], claimed);
    expect(kinds.toSorted()).toEqual(['false refusal', 'lost acknowledgement']);
  });
});

/** Two look at 10 to 11 and 10 to 12, then both insert and commit; told are the two ends. */
async function bothLookThenBook(isolation: Isolation): Promise<{ id: string; ends: string[] }> {
  const id = await newTherapist();
  const requests = [await newRequest(id, 10, 1), await newRequest(id, 10, 2)];
  const look = `select count(*) from visits where therapist_id = ${id}`;
  for (const session of [a, b]) {
    await session.run(`begin isolation level ${isolation}`);
    expect(await session.value(look)).toBe('0');
  }
  const ends: string[] = [];
  for (const [index, session] of [a, b].entries()) {
    const insert = `
      insert into visits (therapist_id, request_id, during, command_id)
      select therapist_id, id, during, gen_random_uuid() from visit_requests
      where id = ${requests[index]}`;
    const ended = session.run(insert, 'commit').then(
      () => 'committed',
      (error: { code: string }) => session.run('rollback').then(() => error.code),
    );
    ends.push(await ended);
  }
  return { id, ends };
}

describe('write-skew-overlap', () => {
  test('two overlapping visits both commit under REPEATABLE READ', async () => {
    const { id, ends } = await bothLookThenBook('repeatable read');
    expect(ends).toEqual(['committed', 'committed']);
    expect(await kindsOf(open, scenario, [id])).toEqual(['duplicate']);
  });

  test('under SERIALIZABLE one gets 40001', async () => {
    const { id, ends } = await bothLookThenBook('serializable');
    expect(ends).toEqual(['committed', '40001']);
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });
});

describe('exclusion-insert-deadlock', () => {
  const contenders = 16;

  test('ON CONFLICT DO NOTHING decides without a deadlock', async () => {
    const id = await newTherapist();
    const requests = await Promise.all(
      Array.from({ length: contenders }, () => newRequest(id, 10, 2)),
    );
    open.recording.failures.length = 0;
    const ends = requests.map(requestId => book(id, requestId, worded('exclusion')));
    const told = (await Promise.all(ends)).map(toldOf);
    expect(told.toSorted()).toEqual(['accepted', ...Array(contenders - 1).fill('taken')]);
    expect(open.recording.failures).toEqual([]);
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });

  test('it waits for a rival that may still roll back: no false refusal', async () => {
    const id = await newTherapist();
    const requestId = await newRequest(id, 10, 2);
    await a.run(
      'begin',
      `insert into visits (therapist_id, request_id, during, guarded, command_id)
       select therapist_id, id, during, true, gen_random_uuid() from visit_requests
       where id = ${requestId}`,
    );
    const second = book(id, requestId, worded('exclusion'));
    await somebodyWaitsFor(a, b);
    await a.run('rollback');
    expect(await second).toMatchObject({ kind: 'accepted', attempts: 1 });
  });
});

describe('the wrong key', () => {
  test('a row lock on the request does not keep the other request out', async () => {
    const id = await newTherapist();
    const [mine, theirs] = [await newRequest(id, 10, 1), await newRequest(id, 10, 2)];
    const lockRow = worded('steps', { guard: ['lock row'] });
    const bookAs = (variant: string, requestId: string) =>
      serveOne(open, {
        scenario,
        variant,
        strategy: lockRow,
        input: { params: { id }, body: { requestId } },
      });
    await a.run(
      'begin',
      `select id from visit_requests where id = ${mine} for no key update`,
      `select id from therapists where id = ${id} for no key update`,
      `insert into visits (therapist_id, request_id, during, command_id)
       select therapist_id, id, during, gen_random_uuid() from visit_requests where id = ${mine}`,
    );
    const right = bookAs('plain', theirs);
    await somebodyWaitsFor(a, b);
    expect(await bookAs('wrong-key', theirs)).toMatchObject({ kind: 'accepted' });
    await a.run('commit');
    expect(toldOf(await right)).toBe('taken');
    expect(await kindsOf(open, scenario, [id])).toEqual(['duplicate']);
  });
});
