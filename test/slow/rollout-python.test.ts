/** An application in another language takes part in a rollout by the SQL of docs/rollout.md. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { Session } from '../fixtures/session.ts';
import { root } from '../house/sources.ts';
import { ask, post } from '../http/requests.ts';
import { servingService, startMaxMs } from '../http/running-service.ts';
import { testServers } from '../servers.ts';
import { describeWith } from './tools.ts';

const ADMIN_TOKEN = 'a token of this test';
const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
const by = { who: 'a test', why: 'to see it' };
const program = join(root, 'examples', 'rollout', 'debit.py');

describeWith('a program in Python beside the service', ['psycopg'], async pathOf => {
  const { url: databaseUrl } = await freshDatabase();
  const { ready } = servingService({
    ...{ DATABASE_URL: databaseUrl, REDIS_URL: testServers().redisUrl, PROCESSES: '2' },
    ...{ ADMIN_TOKEN, ROLLOUTS: '1', STRATEGY: 'row-lock' },
  });
  const path = '/admin/rollouts/gift-card';
  const admin = (method: 'GET' | 'PUT' | 'POST', where: string, body?: object) =>
    ask(ready().url + where, { method, headers, ...(body && { body }) });

  async function cards(count: number): Promise<string[]> {
    const made: string[] = [];
    while (made.length < count) {
      const { body } = await post(`${ready().url}/gift-cards`, { initialCents: 1_000_000 });
      made.push(String(body.id));
    }
    return made;
  }

  /** All groups, whatever the gate says: nothing of this is judged by how fast it is. */
  async function move(from: string, to: string): Promise<void> {
    const steps = [{ setWeight: 30 }, { pause: {} }, { setWeight: 100 }];
    const gate = { slower: 1_000, busy: 1, failed: 1, unknown: 1 }; // the machine may be busy
    expect((await admin('PUT', path, { ...by, from, to, steps, gate })).status).toBe(201);
    const at = (stage: string) => async () => (await admin('GET', path)).body.stage === stage;
    await until('it pauses', at('paused'), startMaxMs);
    expect((await admin('POST', `${path}/promote`, by)).status).toBe(200);
    await until('it is done', at('healthy'), startMaxMs);
  }

  describe('over two changes of hands', () => {
    test('no debit of either is lost', { timeout: 4 * startMaxMs }, async () => {
      const ids = await cards(3);
      const child = spawn(pathOf('psycopg'), [program, ...ids], {
        env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const exited = once(child, 'exit');
      await once(child.stdout, 'data'); // it is connected
      let over = false;
      let accepted = 0;
      const calling = [0, 1, 2, 3].map(async caller => {
        for (let sent = caller; !over; sent += 1) {
          const debits = `${ready().url}/gift-cards/${ids[sent % ids.length]}/debits`;
          const { status } = await post(debits, { amountCents: 1 });
          if (status === 201) accepted += 1;
          else expect(status).toBe(503); // nothing happened
        }
      });
      await move('row-lock', 'advisory-transaction');
      await move('advisory-transaction', 'row-lock');
      over = true;
      await Promise.all(calling);
      child.stdin.end();
      const said = JSON.parse(await text(child.stdout));
      expect((await exited)[0]).toBe(0);
      expect(said.debits).toEqual({
        'row-lock': expect.any(Number),
        'advisory-transaction': expect.any(Number),
      });
      expect(accepted).toBeGreaterThan(50);
      const session = await Session.open(databaseUrl);
      const debited = Object.values<number>(said.debits).reduce((sum, one) => sum + one, 0);
      const rows = await session.value('select count(*)::integer from gift_card_debits');
      const left = await session.value('select sum(balance_cents)::integer from gift_cards');
      await session.close();
      expect(rows).toBe(accepted + debited);
      expect(left).toBe(ids.length * 1_000_000 - accepted - debited);
    });
  });

  test('whoever has read the assignment before a change is refused after it, and does nothing', async () => {
    const [card = ''] = await cards(1);
    const script = `
import os, sys, psycopg
sys.path.insert(0, ${JSON.stringify(join(root, 'examples', 'rollout'))})
from debit import debit
with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    def pause():
        print("read", flush=True)
        sys.stdin.readline()
    print(debit(connection, "${card}", pause), flush=True)
    print(debit(connection, "${card}"), flush=True)
`;
    const child = spawn(pathOf('psycopg'), ['-B', '-c', script], {
      env: { PATH: process.env.PATH, DATABASE_URL: databaseUrl },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    await move('row-lock', 'advisory-transaction');
    child.stdin.end('go on\n');
    expect((await text(child.stdout)).trim().split('\n')).toEqual([
      'False',
      'advisory-transaction',
    ]);
    const { body } = await ask(`${ready().url}/gift-cards/${card}`);
    expect(body.balanceCents).toBe(999_999);
  });

  test('does it with the statements of the page', async () => {
    const page = await readFile(join(root, 'docs', 'rollout.md'), 'utf8');
    const source = await readFile(program, 'utf8');
    for (const statement of [
      'select epoch, strategy from lockstep_assignments',
      'in access share mode',
    ])
      expect([page, source].every(one => one.includes(statement))).toBe(true);
  });
});
