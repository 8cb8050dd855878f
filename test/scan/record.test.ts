import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { record } from '../../src/scan/record/record.ts';
import { recordingSchema } from '../../src/scan/record/recording.ts';
import { openStart } from '../../src/scan/start.ts';
import { testServers } from '../servers.ts';

const app = fileURLToPath(
  new URL('../../examples/own-code/express-booking/app.mjs', import.meta.url),
);
const setup = `
  create table slot (id int primary key, seats int not null);
  create table booking (id serial primary key, slot_id int not null, who text not null);
  insert into slot values (1, 1)`;
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [] };
const start = await openStart(servers, { setup });
afterAll(() => start.database.drop());

test('requests and answers are recorded with what they sent, and in which transaction', async () => {
  const recording = await record({
    servers,
    start,
    program: { command: ['env', 'BOOK_UNDER_LOCK=1', process.execPath, app], cwd: process.cwd() },
    port: 0,
    drive: async ({ url }) => {
      for (const who of ['ann', 'bob']) {
        await fetch(`${url}/slots/1/bookings`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: 'Bearer t0ken' },
          body: JSON.stringify({ who }),
        });
      }
    },
  });
  expect(recordingSchema.safeParse(recording).success).toBe(true);
  const told = recording.requests.map(({ id, path, body, answer }) => [
    id,
    path,
    body.text,
    answer?.status,
    answer?.body.text,
  ]);
  expect(told).toEqual([
    [1, '/slots/1/bookings', '{"who":"ann"}', 201, '{"booked":true}'],
    [2, '/slots/1/bookings', '{"who":"bob"}', 409, '{"booked":false}'],
  ]);
  const [first, second] = [1, 2].map(id =>
    recording.statements.filter(one => one.among.includes(id) && one.transaction !== null),
  );
  expect(first?.map(({ text }) => text.split(' ')[0])).toEqual([
    'START',
    'SELECT',
    'SELECT',
    'INSERT',
    'COMMIT;',
  ]);
  expect(new Set(first?.map(({ transaction }) => transaction)).size).toBe(1);
  expect(first?.map(({ result }) => result)).toEqual([
    'START TRANSACTION',
    'SELECT 1',
    'SELECT 1',
    'INSERT 0 1',
    'COMMIT',
  ]);
  expect(second?.[0]?.transaction).not.toBe(first?.[0]?.transaction);
});
