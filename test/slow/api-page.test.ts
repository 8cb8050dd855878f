/** The commands of docs/api.md, and what it says of each answer. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { failures } from '../../src/contract/index.ts';
import { freshDatabase } from '../database.ts';
import { root } from '../house/sources.ts';
import { servingService } from '../http/running-service.ts';
import { testServers } from '../servers.ts';
import { describeWith } from './tools.ts';

const page = readFileSync(join(root, 'docs', 'api.md'), 'utf8');
const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, commands = '']) => commands);

test('the page has a row for each way that a command can end', () => {
  const rows = [...page.matchAll(/^\| (\d+) \| `(\w+)` \|/gm)].map(([, ...told]) => told.join(' '));
  const ends = Object.values(failures).map(({ status, outcome }) => `${status} ${outcome}`);
  const all = ['201 accepted', '409 refused', ...ends];
  expect(rows.toSorted()).toEqual([...new Set(all)].toSorted());
});

describeWith('the page about the API', ['curl'], async pathOf => {
  const { url: DATABASE_URL } = await freshDatabase();
  const { ready } = servingService({ DATABASE_URL, REDIS_URL: testServers().redisUrl });

  test('has commands that do what it says, in their order', async () => {
    const [start = '', ...commands] = blocks;
    expect(start).toContain('npm start');
    const PATH = `${dirname(pathOf('curl'))}:${process.env.PATH ?? ''}`;
    const script = commands.join('\necho; echo ---\n');
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      env: { PATH, SERVICE: ready().url },
      timeout: 60_000,
    });
    const [made, booked, again, shown, other] = stdout.split('\n---\n');
    expect(JSON.parse(made ?? '')).toMatchObject({ id: '1', offers: [{ id: '1' }, { id: '2' }] });
    expect(booked).toMatch(/^HTTP\/1\.1 201 [\s\S]*"outcome":"accepted"/);
    expect(booked).not.toMatch(/idempotent-replayed/i);
    expect(again).toMatch(/^HTTP\/1\.1 201 [\s\S]*idempotent-replayed: true/i);
    expect(bodyOf(again)).toEqual(bodyOf(booked));
    expect(JSON.parse(shown ?? '').appointments).toHaveLength(1);
    expect(other).toMatch(/^HTTP\/1\.1 409 [\s\S]*"reason":"expired"/);
  });

  test('names a problem page that is there', async () => {
    const [, path = ''] = page.match(/curl -sS "\$SERVICE(\/problems\/[a-z-]+)"/) ?? [];
    expect((await fetch(`${ready().url}${path}`)).status).toBe(200);
  });
});

const bodyOf = (answer: string | undefined): string => answer?.split('\r\n\r\n')[1]?.trim() ?? '';
