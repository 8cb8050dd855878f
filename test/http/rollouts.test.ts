import { describe, expect, test } from 'vitest';
import { command } from '../../bench/cli/rollout.ts';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { Session } from '../fixtures/session.ts';
import { testServers } from '../servers.ts';
import { committed, makeRequest } from './appointments.ts';
import { ask, post } from './requests.ts';
import { RunningService, servingService, startMaxMs } from './running-service.ts';

/** A rollout on two replicas that serve contended commands all the while. */
const { redisUrl } = testServers();
const ADMIN_TOKEN = 'a token of this test';
const authorized = { authorization: `Bearer ${ADMIN_TOKEN}` };

const given = (databaseUrl: string) => ({
  ...{ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl },
  ...{ ADMIN_TOKEN, ROLLOUTS: '1' },
});

const by = { who: 'a test', why: 'to see it' };

async function act(url: string, action: string) {
  return ask(`${url}/admin/rollouts/appointment/${action}`, {
    method: 'POST',
    headers: authorized,
    body: by,
  });
}

/** On a busy machine everything may be slower, and nothing is refused for that. */
const lenient = { slower: 1_000, busy: 1, failed: 1, unknown: 1 };

async function start(url: string, to: string, steps: readonly object[], more: object = {}) {
  return ask(`${url}/admin/rollouts/appointment`, {
    method: 'PUT',
    headers: authorized,
    body: { ...by, from: 'row-lock', to, steps, gate: lenient, ...more },
  });
}

const verdict = async (url: string) => (await ask(`${url}/rollouts/appointment/verdict`)).body;

const state = async (url: string) =>
  (await ask(`${url}/admin/rollouts/appointment`, { headers: authorized })).body;

/** Offers of one request go to the replicas in turn; what was acknowledged is kept. */
async function contend(urls: readonly string[], told: Map<string, number>, ids: string[]) {
  const { accepts } = await makeRequest(urls[0] ?? '', 6);
  const answers = await Promise.all(
    accepts.map((path, index) => post(urls[index % urls.length] + path, {})),
  );
  for (const { status, body, headers } of answers) {
    const strategy = String(headers['lock-strategy']);
    told.set(strategy, (told.get(strategy) ?? 0) + 1);
    if (status === 201) ids.push(String(body.commandId));
    expect([201, 409, 503]).toContain(status);
  }
}

describe('a rollout', { timeout: 4 * startMaxMs }, async () => {
  const { url: databaseUrl } = await freshDatabase();
  const replicas = [1, 2].map(() =>
    servingService({ ...given(databaseUrl), STRATEGY: 'row-lock' }),
  );
  const at = (index: number): string => replicas[index]?.ready().url ?? '';
  const ids: string[] = [];

  async function untilStage(stage: string, weight: number): Promise<Map<string, number>> {
    const told = new Map<string, number>();
    await until(
      `it is ${stage} at ${weight}`,
      async () => {
        await contend([at(0), at(1)], told, ids);
        const now = await state(at(1));
        return now.stage === stage && now.weight === weight;
      },
      startMaxMs,
    );
    return told;
  }

  async function violations(): Promise<number> {
    const { body } = await ask(`${at(0)}/admin/audit?scenario=appointment`, {
      headers: authorized,
    });
    return Number(body.findings ?? body.keys ?? 0);
  }

  test('is refused where it is not possible, or not now', async () => {
    const session = await Session.open(databaseUrl);
    const early = await start(at(0), 'redis-released-early', [{ setWeight: 10 }]);
    expect([early.status, early.body.type]).toEqual([
      422,
      expect.stringContaining('rollout-refused'),
    ]);
    expect((await start(at(0), 'no-such', [{ setWeight: 10 }])).status).toBe(400);
    const untried = await start(at(0), 'version-column', [{ setShadow: 10 }]);
    expect(untried.body.detail).toMatch(/cannot be only tried/);
    const late = await start(at(0), 'redis-lease', [{ setWeight: 1 }, { setShadow: 10 }]);
    expect(late.body.detail).toMatch(/put setShadow before setWeight/);
    expect((await ask(`${at(0)}/rollouts/appointment/verdict`)).status).toBe(404);
    for (const [path, status] of [
      ['appointment', 404],
      ['nothing', 404],
    ] as const) {
      const none = await ask(`${at(0)}/admin/rollouts/${path}`, { headers: authorized });
      expect(none.status).toBe(status);
    }
    expect((await ask(`${at(0)}/admin/rollouts/appointment`)).status).toBe(401);
    for (const [strategy, proves, because] of [
      ['row-lock', false, /older build/],
      ['version-column', true, /not assigned yet/],
    ] as const) {
      await session.run(
        "delete from lockstep_processes where not proves or strategy <> 'row-lock'",
      );
      await session.run(
        `insert into lockstep_processes values (gen_random_uuid(), '${strategy}', now(), ${proves})`,
      );
      const refused = await start(at(0), 'redis-lease', [{ setWeight: 10 }]);
      expect([refused.status, refused.body.detail]).toEqual([422, expect.stringMatching(because)]);
    }
    await session.run("delete from lockstep_processes where strategy <> 'row-lock'");
    await session.close();
  });

  test('tries the new lock under the old one before any key is decided under it', async () => {
    const begun = await start(at(0), 'redis-lease', [{ setShadow: 100 }, { pause: {} }]);
    expect(begun.status).toBe(201);
    await untilStage('paused', 0);
    const told = new Map<string, number>();
    await until('it is counted', async () => {
      await contend([at(0), at(1)], told, ids);
      const { arms } = await verdict(at(1));
      return Number(Object(arms).shadow?.tries?.granted) > 20;
    });
    expect([...told.keys()]).toEqual(['shadow:row-lock+redis-lease']);
    expect((await act(at(1), 'abort')).status).toBe(200);
    await untilStage('aborted', 0);
    const after = new Map<string, number>();
    for (let round = 0; round < 3; round += 1) await contend([at(0), at(1)], after, ids);
    expect([...after.keys()]).toEqual(['row-lock']);
    expect(await violations()).toBe(0);
  });

  test('holds a step for want of evidence, and then waits for a person', async () => {
    const gate = { ...lenient, contestedKeys: 3_000, holdSeconds: 1 };
    const steps = [{ setWeight: 50 }, { setWeight: 100 }];
    expect((await start(at(0), 'redis-lease', steps, { gate })).status).toBe(201);
    await untilStage('paused', 50);
    const { log } = await state(at(0));
    expect(log).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ who: 'gate', why: expect.stringMatching(/3000 are needed/) }),
      ]),
    );
    expect(await verdict(at(1))).toMatchObject({ verdict: 'Inconclusive', weight: 50 });
    expect((await act(at(1), 'abort')).status).toBe(200);
    await untilStage('aborted', 0);
  });

  test('goes up by itself when enough was contested, audited and compared', async () => {
    const gate = { ...lenient, contestedKeys: 2, commands: 5 };
    const steps = [{ setWeight: 50 }, { setWeight: 100 }];
    expect((await start(at(0), 'redis-lease', steps, { gate })).status).toBe(201);
    await untilStage('healthy', 100);
    const told = await verdict(at(1));
    expect(told).toMatchObject({ verdict: 'Successful', to: 'redis-lease', stage: 'healthy' });
    expect(Object(told.arms).new.clean).toBeGreaterThanOrEqual(2);
    const page = (await ask(`${at(1)}/metrics`)).text;
    const place = 'scenario="appointment",variant="plain"';
    expect(page).toContain(`lockstep_rollout_weight{${place}} 100`);
    expect(page).toContain(`lockstep_rollout_verdict{${place},verdict="Successful"} 1`);
    const back = { from: 'redis-lease', gate };
    expect((await start(at(0), 'row-lock', [{ setWeight: 100 }], back)).status).toBe(201);
    expect((await act(at(0), 'promote')).status).toBe(200);
    await untilStage('healthy', 100);
    expect(await violations()).toBe(0);
  });

  test('moves the keys to the new strategy while commands contend for them, and none is lost', async () => {
    const begun = await start(at(0), 'redis-lease', [
      { setWeight: 50 },
      { pause: {} },
      { setWeight: 100 },
    ]);
    expect([begun.status, begun.body.stage]).toEqual([201, 'progressing']);
    await untilStage('paused', 50);
    const half = new Map<string, number>();
    for (let round = 0; round < 20; round += 1) await contend([at(0), at(1)], half, ids);
    expect([...half.keys()].sort()).toEqual(['redis-lease', 'row-lock']);
    // started with another strategy, it takes the assignment
    const late = new RunningService({ ...given(databaseUrl), STRATEGY: 'version-column' });
    const lateUrl = (await late.ready()).url;
    const there = new Map<string, number>();
    for (let round = 0; round < 5; round += 1) await contend([lateUrl, at(0)], there, ids);
    expect(there.has('version-column')).toBe(false);
    await late.stop();
    expect((await act(at(1), 'promote')).status).toBe(200);
    await untilStage('healthy', 100);
    const after = new Map<string, number>();
    for (let round = 0; round < 5; round += 1) await contend([at(0), at(1)], after, ids);
    expect([...after.keys()]).toEqual(['redis-lease']);
    expect(await committed(databaseUrl, ids)).toBe(ids.length);
    expect(await violations()).toBe(0);
  });

  test('lets nobody in who would not prove: such a process does not start', async () => {
    const deaf = new RunningService({ ...given(databaseUrl), ROLLOUTS: '0' });
    await expect(deaf.ready().finally(() => deaf.stop())).rejects.toThrow(/with ROLLOUTS=1/);
  });

  test('is planned, followed and read on the command line', async () => {
    const run = async (...argv: string[]) => {
      const lines: string[] = [];
      const { signal } = new AbortController();
      const tell = (text: string): void => void lines.push(text);
      const code = await command.run({
        ...{ argv, signal, write: tell, note: tell },
        environment: { ADMIN_TOKEN },
      });
      return [code, lines.join('')] as const;
    };
    const of = ['gift-card', '--from', 'row-lock', '--to'];
    expect(await run('plan', ...of, 'redis-lease')).toEqual([
      0,
      expect.stringMatching(
        /^direct: .*\nneeds REDIS_URL in every process\nwithout a rollout, .*: needs both: both:redis-lease\+row-lock in between/,
      ),
    ]);
    expect(await run('plan', 'redis-lease', 'redis-lease-queued')).toEqual([
      0,
      expect.stringMatching(/^direct: .*\nwithout a rollout, .*: direct: they take the same lock/),
    ]);
    expect(await run('plan', ...of, 'unprotected')).toEqual([
      1,
      expect.stringMatching(/^impossible: 'unprotected' is a hazard/),
    ]);
    const there = ['--base-url', at(0)];
    const [seen, reasons] = await run('verdict', 'appointment', ...there);
    expect([seen, reasons]).toEqual([3, expect.stringMatching(/^Inconclusive\n {2}/)]);
    const [code, text] = await run('status', 'appointment', '--watch', ...there);
    expect([code, text]).toEqual([0, expect.stringMatching(/healthy, 100 % of the keys/)]);
    await expect(run('abort', 'appointment', ...there)).rejects.toThrow(/--why is missing/);
    await expect(
      run('start', ...of, 'redis-lease', '--why', 'x', '--steps', '1,soon', ...there),
    ).rejects.toThrow(/'soon' is no percentage/);
  });

  test('goes back by itself at the first violation under the new strategy', async () => {
    const steps = [{ setWeight: 30 }, { pause: {} }];
    const elsewhere = await start(at(0), 'unprotected', steps, { lab: true });
    expect([elsewhere.status, elsewhere.body.detail]).toEqual([
      422,
      expect.stringMatching(/^100 of 100 .* under 'redis-lease', not under 'row-lock'/),
    ]);
    const from = 'redis-lease';
    const begun = await start(at(0), 'unprotected', steps, { from, lab: true });
    expect(begun.status).toBe(201);
    const again = await start(at(1), 'serializable', [{ setWeight: 30 }], { from });
    expect([again.status, again.body.type]).toEqual([409, expect.stringContaining('in-progress')]);
    const served = await untilStage('aborted', 0);
    expect(served.get('unprotected')).toBeGreaterThan(0);
    const { failed, log } = await state(at(0));
    expect(failed).toMatch(/on key \d+ under (unprotected|mixed)/);
    const told = await verdict(at(1));
    expect(told.verdict).toBe('Failed');
    expect(told.reasons).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          ...{ criterion: 'violations', verdict: 'Failed' },
          evidence: expect.stringMatching(/^\/admin\/violations\?scenario=appointment&strategy=/),
        }),
      ]),
    );
    expect(log).toEqual(
      expect.arrayContaining([expect.objectContaining({ who: 'gate', action: 'abort' })]),
    );
    const after = new Map<string, number>();
    for (let round = 0; round < 5; round += 1) await contend([at(0), at(1)], after, ids);
    expect([...after.keys()]).toEqual([from]);
  });
});
