import pg from 'pg';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { stepCount } from '../../src/rollout/gate/durations.ts';
import { Gate } from '../../src/rollout/gate/gate.ts';
import { gateShape } from '../../src/rollout/gate/settings.ts';
import type { ArmTally } from '../../src/rollout/gate/tally.ts';
import { type Rollout, Rollouts } from '../../src/rollout/rollouts.ts';
import { shadowName } from '../../src/rollout/shadow.ts';
import { behindOf, heard, shownOf } from '../../src/rollout/view.ts';
import { violationsSchema } from '../../src/telemetry/violations.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';

/** The gate in the database: what several processes count, and what each of them may tell. */
const registry = await loadRegistry();
const { databaseUrl } = await scenarioDatabase(registry, violationsSchema.schemaSql);
const pool = new pg.Pool({ connectionString: databaseUrl, max: 4 });
pool.on('error', () => {}); // the query reports it
afterAll(() => pool.end());

const runSql = async <R extends object>(text: string, values: readonly unknown[]) =>
  (await pool.query<R>(text, [...values])).rows;
const rollouts = new Rollouts(runSql);
let atMs = 0;
const gates = [1, 2].map(() => new Gate({ runSql, shadowOf: shadowName, now: () => atMs }));
const [one, other] = gates;
if (!one || !other) throw new Error('there are two processes');
let rollout: Rollout;

beforeEach(async () => {
  await pool.query('truncate lockstep_rollouts, lockstep_violations cascade');
  const gate = gateShape.parse({ contestedKeys: 2, commands: 20 });
  const asked = { scenario: 'gift-card', variant: 'plain', from: 'row-lock', to: 'redis-lease' };
  const by = { who: 'a test', action: 'start', why: 'to see it' };
  const first = { step: 0, weight: 0, stage: 'progressing' } as const;
  const made = await rollouts.begin({ ...asked, steps: [{ setWeight: 50 }], gate }, first, [by]);
  if (!made) throw new Error('it did not begin');
  rollout = made;
});

/** So many commands of an arm, all as long. */
function tally(arm: ArmTally['arm'], drawn: number, step: number, more: Partial<ArmTally> = {}) {
  const durations = Array.from({ length: stepCount }, (_, at) => (at === step ? drawn : 0));
  return {
    ...{ rollout: rollout.id, arm, commands: drawn, drawn, busy: 0, failed: 0, unknown: 0 },
    ...{ durations, contested: 0, audited: 0, candidate: null, tries: {}, ...more },
  };
}

const countsOf = async (arm: string) =>
  (await one.counts(rollout)).find(counts => counts.arm === arm);

test('what all processes count is added up', async () => {
  await Promise.all([
    one.add([tally('new', 3, 40, { tries: { granted: 2 } })]),
    other.add([tally('new', 4, 41, { busy: 1, tries: { granted: 1, 'redis-unavailable': 5 } })]),
  ]);
  const counts = await countsOf('new');
  expect(counts).toMatchObject({ commands: 7, drawn: 7, busy: 1 });
  expect(counts?.tries).toEqual({ granted: 3, 'redis-unavailable': 5 });
  expect([counts?.durations[40], counts?.durations[41]]).toEqual([3, 4]);
});

test('a contested key counts once, and one in a second, whoever saw it', async () => {
  const saw = (key: string) => [tally('new', 1, 40, { audited: 1, candidate: key })];
  const second = () => Math.floor(Date.now() / 1_000);
  const began = second();
  await Promise.all([one.add(saw('a')), other.add(saw('b'))]);
  const clean = (await countsOf('new'))?.clean ?? 0;
  expect(clean).toBeGreaterThan(0);
  expect(clean).toBeLessThanOrEqual(1 + second() - began);
  await pool.query('update lockstep_rollout_clean_keys set second = second - 100');
  const { rows } = await pool.query<{ key_hash: string }>(
    'select key_hash from lockstep_rollout_clean_keys order by second limit 1',
  );
  await other.add(saw(rows[0]?.key_hash ?? ''));
  expect(await countsOf('new')).toMatchObject({ clean, audited: 3 });
  await other.add(saw('c'));
  expect((await countsOf('new'))?.clean).toBe(clean + 1);
});

test('looks once a second, goes on where the last one stopped, and all tell the same', async () => {
  expect(await other.last(rollout)).toMatchObject({ verdict: 'Inconclusive', at: null });
  const both = (step: number) => [tally('old', 30, 40), tally('new', 30, step)];
  for (let look = 0; look < 3; look += 1) {
    await one.add(both(60));
    atMs += 1_000;
    await (look % 2 ? other : one).look(rollout); // whoever drives
  }
  const worse = await other.look(rollout);
  expect(worse.verdict).toBe('Failed');
  expect(worse.reasons).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ says: expect.stringMatching(/^worse: the (median|95th)/) }),
    ]),
  );
  for (const gate of gates) expect((await gate.last(rollout)).verdict).toBe('Failed');
  const { rows } = await pool.query('select looks from lockstep_rollout_verdicts');
  expect(rows).toEqual([{ looks: '4' }]);
  expect(await shownOf(runSql)).toMatchObject([{ verdict: 'Failed', weight: 0 }]);
});

test('one who drove before does not undo what the next one wrote', async () => {
  const late = new Gate({
    ...{ shadowOf: shadowName, now: () => atMs },
    runSql: async (text, values) => {
      if (/lockstep_rollout_verdicts/.test(text) && !/^\s*select/.test(text))
        await other.look(rollout);
      return runSql(text, values);
    },
  });
  for (const looks of ['1', '2']) {
    await one.add([tally('old', 30, 40), tally('new', 30, 40)]);
    atMs += 1_000;
    await late.look(rollout);
    const { rows } = await pool.query('select looks from lockstep_rollout_verdicts');
    expect(rows).toEqual([{ looks }]);
  }
});

test('a violation under the new strategy, the shadow or both fails it; under the old one it does not', async () => {
  const found = (strategy: string) =>
    pool.query(
      `insert into lockstep_violations (scenario, key, kind, unit, strategy, detail)
       values ('gift-card', $1, 'duplicate', 1, $1, 'two of one')`,
      [strategy],
    );
  atMs += 1_000;
  await found('row-lock');
  expect((await one.look(rollout)).verdict).toBe('Inconclusive');
  await found('mixed');
  const { verdict, reasons } = await one.look(rollout); // at once, whenever the last look was
  expect(verdict).toBe('Failed');
  expect(reasons[0]).toEqual({
    ...{ criterion: 'violations', verdict: 'Failed' },
    says: 'duplicate on key mixed under mixed: two of one',
    evidence: '/admin/violations?scenario=gift-card&strategy=mixed',
  });
});

test('what nobody has looked at for long is not told as if it were of now', async () => {
  await one.add([tally('old', 50, 40), tally('new', 50, 40)]);
  await pool.query('update lockstep_rollout_counts set clean = 2');
  atMs += 1_000;
  expect((await one.look(rollout)).verdict).toBe('Successful');
  expect((await other.last(rollout)).verdict).toBe('Successful');
  await pool.query("update lockstep_rollout_verdicts set at = now() - interval '1 minute'");
  const { verdict, reasons } = await other.last(rollout);
  expect([verdict, reasons[0]?.says]).toEqual(['Inconclusive', expect.stringMatching(/for 60 s/)]);
});

test('a process that has not heard is listed', async () => {
  await pool.query('truncate lockstep_processes, lockstep_assignments');
  await pool.query(
    `insert into lockstep_processes (id, strategy, proves, runs_at)
     values (gen_random_uuid(), 'row-lock', true, 'a:1'), (gen_random_uuid(), 'row-lock', true, 'b:2')`,
  );
  await pool.query(
    `insert into lockstep_assignments (scenario, variant, key_group, epoch, strategy, changed_at)
     values ('gift-card', 'plain', 1, 3, 'row-lock', now() - interval '5 s'),
       ('gift-card', 'plain', 2, 9, 'row-lock', now())`,
  );
  const { rows } = await pool.query<{ id: string }>(
    "select id from lockstep_processes where runs_at = 'a:1'",
  );
  await heard(runSql, rows[0]?.id ?? '', 3n); // the newest change is younger than 2 s
  expect(await behindOf(runSql)).toMatchObject([{ runsAt: 'b:2', silentSeconds: null }]);
});

test('so does one by a command whose keys were under either of the two', async () => {
  atMs += 1_000;
  await pool.query(
    `insert into lockstep_violations (scenario, key, kind, unit, strategy, detail)
     values ('gift-card', '1', 'duplicate', 1, 'both:redis-lease+row-lock', 'two of one')`,
  );
  expect((await one.look(rollout)).verdict).toBe('Failed');
});
