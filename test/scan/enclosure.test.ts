import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { openDoor, openRelay } from '../../src/scan/enclosure/relay.ts';
import { addressOf } from '../../src/scan/record/taps.ts';
import { testServers } from '../servers.ts';

const folder = await mkdtemp(join(tmpdir(), 'lockstep-test-'));
const refused: string[] = [];
const { postgresUrl } = testServers();
const closeRelay = await openRelay(
  folder,
  [{ ...addressOf(postgresUrl, 5432), postgres: true }],
  why => refused.push(why),
);
const door = await openDoor(folder, 0, { host: '127.0.0.1', port: 0 });

afterAll(async () => {
  await new Promise(resolve => door.close(resolve));
  await closeRelay();
  await rm(folder, { recursive: true });
});

function through(database: string, application: string): pg.Client {
  const url = new URL(postgresUrl);
  url.port = String(door.port);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href, application_name: application });
  client.on('error', () => undefined);
  return client;
}

test('whoever is shut in reaches the server only under a name of ours', async () => {
  const admin = through('postgres', 'explorer');
  await admin.connect();
  expect((await admin.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await admin.end();
});

test('a service that names the recorded database itself is refused, and named', async () => {
  const service = through('postgres', 'my-app');
  await expect(service.connect()).rejects.toThrow('"postgres", which is not the copy');
  expect(refused).toEqual([expect.stringContaining('DATABASE_URL or PGDATABASE')]);
});
