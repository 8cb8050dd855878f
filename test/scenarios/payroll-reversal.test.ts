import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Guard, type Isolation, type Outcome, sql } from '../../src/contract/index.ts';
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
const scenario = scenarioNamed(registry, 'payroll-reversal');
let open: OpenEngine;
let a: Session;
let observer: Session;

beforeAll(async () => {
  open = openEngine(urls);
  [a, observer] = await Promise.all([
    Session.open(urls.databaseUrl),
    Session.open(urls.databaseUrl),
  ]);
});
afterAll(async () => {
  await Promise.all([open.close(), a.close(), observer.close()]);
});

const newPayroll = async (): Promise<string> =>
  idOf(
    await callRoute(open, scenario, 'post', '/payrolls', {
      body: { employer: 'Ada', amountCents: 120_000 },
    }),
  );

const reverse = (payrollId: string, strategy = worded('steps'), adminId = '1') =>
  serveOne(open, {
    scenario,
    variant: 'plain',
    strategy,
    input: { params: { id: payrollId }, body: { adminId } },
  });

const plant = sql<{ id: string }>`
  insert into payroll_reversals (payroll_id, admin_id, command_id)
  select $1, n, gen_random_uuid() from generate_series(1, $2::integer) as n returning id`;

describe('the wordings', () => {
  test('agree with the model, whichever wrote before', async () => {
    const wordings = scenario.registered.variants.plain?.wordings ?? [];
    expect(wordings).toEqual(['steps', 'conditional insert', 'numbered slots']);
    const commands = fc.array(fc.constantFrom(...wordings), { minLength: 1, maxLength: 5 });
    const agrees = fc.asyncProperty(commands, async drawn => {
      const id = await newPayroll();
      let reversed = false;
      for (const wording of drawn) {
        const told = toldOf(await reverse(id, worded(wording)));
        expect({ wording, told }).toEqual({
          wording,
          told: reversed ? 'already reversed' : 'accepted',
        });
        reversed = true;
      }
      expect(await auditOf(open, scenario, [id], { refusedKeys: [id] })).toEqual([]);
    });
    await fc.assert(agrees, { numRuns: 40 });
  });
});

describe('the audit', () => {
  test('finds nothing on a payroll that was reversed once', async () => {
    const id = await newPayroll();
    const commandId = randomUUID();
    const input = { params: { id }, body: { adminId: '1' } };
    await serveOne(open, {
      scenario,
      variant: 'plain',
      strategy: worded('steps'),
      input,
      commandId,
    });
    const claimed = { acknowledged: [[id, commandId]] as const, refusedKeys: [id] };
    expect(await auditOf(open, scenario, [id], claimed)).toEqual([]);
  });

  test('finds planted reversals in excess', async () => {
    const id = await newPayroll();
    await open.store.query(plant, [id, 3]);
    expect(await auditOf(open, scenario, [id])).toEqual([
      { key: id, kind: 'duplicate', excess: 2, detail: '3 reversals of one payroll' },
    ]);
  });

  test('finds an acknowledged reversal that is not there, and a refusal without a reversal', async () => {
    const id = await newPayroll();
    const claimed = { acknowledged: [[id, randomUUID()]] as const, refusedKeys: [id] };
    const kinds = (await auditOf(open, scenario, [id], claimed)).map(({ kind }) => kind);
    expect(kinds).toEqual(['false refusal', 'lost acknowledgement']);
  });
});

/** A holds the parent lock and inserts; the command waits at its lock, then A commits. */
async function afterWaitingForTheParent(
  isolation: Isolation,
  guard: readonly Guard[],
  touched: boolean,
): Promise<{ id: string; outcome: Outcome }> {
  const id = await newPayroll();
  await a.run(
    'begin isolation level read committed',
    `select id from payrolls where id = ${id} for no key update`,
  );
  const waiting = reverse(id, worded('steps', { isolation, guard }));
  await somebodyWaitsFor(a, observer);
  if (touched) await a.run(`update payrolls set version = version where id = ${id}`);
  await a.run(
    `insert into payroll_reversals (payroll_id, admin_id, command_id) values (${id}, 9, gen_random_uuid())`,
    'commit',
  );
  return { id, outcome: await waiting };
}

describe('rr-stale-snapshot: the parent lock', () => {
  test('is enough under READ COMMITTED', async () => {
    const { id, outcome } = await afterWaitingForTheParent('read committed', ['lock row'], false);
    expect(outcome).toEqual({ kind: 'refused', detail: 'already reversed', attempts: 1 });
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });

  test('is not enough under REPEATABLE READ: the waiter keeps its old snapshot', async () => {
    const { id, outcome } = await afterWaitingForTheParent('repeatable read', ['lock row'], false);
    expect(outcome).toMatchObject({ kind: 'accepted', attempts: 1 });
    expect((await auditOf(open, scenario, [id])).map(({ kind }) => kind)).toEqual(['duplicate']);
  });

  test('with a touch gives the waiter 40001, and its next attempt sees the reversal', async () => {
    const guard = ['lock row', 'touch'] as const;
    const { id, outcome } = await afterWaitingForTheParent('repeatable read', guard, true);
    expect(outcome).toEqual({ kind: 'refused', detail: 'already reversed', attempts: 2 });
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });
});

describe('constraint-over-existing-duplicates', () => {
  const readme = join(scenario.folder, 'README.md');
  let client: pg.Client;
  const plan = async (step: string): Promise<string> => {
    const text = await readFile(readme, 'utf8');
    const block = new RegExp(`\`\`\`sql ${step}\\n([^\`]+)\`\`\``).exec(text)?.[1];
    if (!block) throw new Error(`the plan has no step '${step}'`);
    return block;
  };
  const isValid = async (): Promise<unknown> => {
    const { rows } = await client.query<{ indisvalid: boolean }>(
      "select indisvalid from pg_index where indexrelid = to_regclass('payroll_reversals_once')",
    );
    return rows[0]?.indisvalid;
  };

  beforeAll(async () => {
    client = new pg.Client({ connectionString: urls.databaseUrl });
    await client.connect();
  });
  afterAll(() => client.end());

  test('adding it fails and leaves an invalid index; the plan finds, settles and builds', async () => {
    await client.query('truncate payroll_reversals');
    const twice = await newPayroll();
    const once = await newPayroll();
    await open.store.query(plant, [twice, 3]);
    await open.store.query(plant, [once, 1]);
    const build = await plan('build');
    await expect(client.query(build)).rejects.toMatchObject({ code: '23505' });
    expect(await isValid()).toBe(false);
    await client.query(await plan('undo'));

    const { rows: found } = await client.query(await plan('find'));
    expect(found).toMatchObject([{ payroll_id: twice, reversals: 3 }]);
    await client.query(await plan('keep'));
    expect((await client.query(await plan('settle'))).rowCount).toBe(2);
    expect((await client.query(await plan('find'))).rows).toEqual([]);
    await client.query(build);
    expect(await isValid()).toBe(true);
    expect(await auditOf(open, scenario, [twice, once])).toEqual([]);
  });

  test('once it is there, a writer without any protection is refused in time', async () => {
    expect(await isValid()).toBe(true);
    const id = await newPayroll();
    await a.run(
      'begin',
      `insert into payroll_reversals (payroll_id, admin_id, command_id) values (${id}, 9, gen_random_uuid())`,
    );
    const second = reverse(id); // looks, finds nothing, and waits at the index
    await somebodyWaitsFor(a, observer);
    await a.run('commit');
    expect(await second).toEqual({ kind: 'refused', detail: 'already reversed', attempts: 2 });
    expect(await auditOf(open, scenario, [id])).toEqual([]);
  });
});
