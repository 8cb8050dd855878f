import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Renames } from '../../src/scan/replay/renames.ts';
import { States } from '../../src/scan/replay/states.ts';
import { type OpenStart, openStart } from '../../src/scan/start.ts';
import { testServers } from '../servers.ts';
import { requestOf } from './requests.ts';

const service = fileURLToPath(new URL('late-service.mjs', import.meta.url));
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [] };
let start: OpenStart;

beforeAll(async () => {
  start = await openStart(servers, { setup: 'create table mail (text text)' });
});

afterAll(() => start.database.drop());

/** Of each request in turn, whether the service came to rest behind it. */
async function restlessBehind(...paths: readonly string[]): Promise<readonly boolean[]> {
  const program = { command: [process.execPath, service] as [string, string], cwd: process.cwd() };
  const from = { template: start.database.name, redis: [] };
  const states = new States(servers, program, [], from, {});
  const state = { ...from, renames: new Renames(), doubt: undefined };
  const requests = paths.map((path, at) => requestOf(at + 1, 'POST', path));
  const told = await states.serial(state, requests);
  expect(told.map(({ answer }) => answer?.status)).toEqual(paths.map(() => 204));
  return told.map(({ restless }) => restless);
}

test('a service that does no more behind its answer has come to rest', async () => {
  expect(await restlessBehind('/now', '/now')).toEqual([false, false]);
});

test('work that begins long behind the last answer is no rest', async () => {
  expect(await restlessBehind('/now', '/later')).toEqual([false, true]);
});

test('a transaction that stays open is no rest', async () => {
  expect(await restlessBehind('/now', '/open')).toEqual([false, true]);
});
