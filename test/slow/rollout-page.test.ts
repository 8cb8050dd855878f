/** The commands of docs/rollout.md, in their order, on a running service. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { root } from '../house/sources.ts';
import { ask, post } from '../http/requests.ts';
import { servingService, startMaxMs } from '../http/running-service.ts';
import { testServers } from '../servers.ts';

const page = readFileSync(join(root, 'docs', 'rollout.md'), 'utf8');
const [, walk = ''] = page.split('\n## From row-lock to redis-lease-fenced\n');
const blocks = [...(walk.split('\n## ')[0] ?? '').matchAll(/```sh\n([\s\S]*?)```/g)].map(
  ([, commands = '']) => commands,
);
const ADMIN_TOKEN = 'a token of this test';

describe('the page about rollouts', { timeout: 6 * startMaxMs }, async () => {
  const { url: DATABASE_URL } = await freshDatabase();
  const stores = { DATABASE_URL, REDIS_URL: testServers().redisUrl };
  const given = { ADMIN_TOKEN, ROLLOUTS: '1', STRATEGY: 'row-lock' };
  const { ready } = servingService({ ...stores, ...given });

  /** As the reader's shell runs it, with the command line of this checkout. */
  async function shell(commands: string): Promise<string> {
    const cli = `lockstep() { ${process.execPath} --import tsx bench/cli/lockstep.ts "$@"; }`;
    const script = `${cli}\n${commands}`;
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ADMIN_TOKEN, SERVICE: ready().url },
      timeout: 2 * startMaxMs,
    });
    return stdout;
  }

  const path = '/admin/rollouts/gift-card';
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  const untilStage = (stage: string): Promise<void> =>
    until(
      `it is ${stage}`,
      async () => (await ask(ready().url + path, { headers })).body.stage === stage,
      startMaxMs,
    );

  /** A debit, by whichever strategy has the card's keys. */
  async function debit(): Promise<string> {
    const { body } = await post(`${ready().url}/gift-cards`, { initialCents: 100 });
    const { status, headers } = await post(`${ready().url}/gift-cards/${String(body.id)}/debits`, {
      amountCents: 1,
    });
    expect(status).toBe(201);
    return String(headers['lock-strategy']);
  }

  test('has commands that do what it says, in their order', async () => {
    const [start = '', plan = '', begin = '', look = '', goOn = '', back = ''] = blocks;
    expect(blocks).toHaveLength(6);
    for (const [name, value] of Object.entries(given).filter(([name]) => name !== 'ADMIN_TOKEN'))
      expect(start).toContain(`${name}=${value}`);
    expect(await shell(plan)).toMatch(/^direct: /);
    expect(await shell(begin)).toMatch(/row-lock -> redis-lease-fenced {2}progressing/);
    await untilStage('paused');
    expect(await shell(look)).toMatch(/paused, 10 % of the keys[\s\S]*"value":"[a-z-]+"/);
    await shell(goOn);
    await untilStage('healthy');
    expect(await debit()).toBe('redis-lease-fenced');
    await shell(back);
    await untilStage('aborted');
    expect(await debit()).toBe('redis-lease-fenced');
  });
});
