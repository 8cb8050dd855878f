import { expect, test } from 'vitest';
import { explain } from '../../src/explore/explain/explain.ts';
import { explore } from '../../src/explore/explore.ts';
import { verdictText } from '../../src/explore/verdict.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient } from './programs.ts';
import { others } from './serial/other-subjects.ts';
import { racy } from './serial/subjects.ts';

const redisUrl = await ownRedisUrl();
const servers = { pgUrl: testServers().postgresUrl, redisUrls: [redisUrl] };

test.each([
  [
    'a look, then an insert',
    'duplicate after a look',
    /^ann and bob both read `n = 0` in booking before either inserted into booking$/,
  ],
  [
    'a balance that is read and written back',
    'lost update',
    /^ann and bob both read `balance = 50` in card before either wrote in card$/,
  ],
  [
    'write skew under repeatable read',
    'write skew',
    /both read `n = 2` in doctor before either committed what it wrote in doctor$/,
  ],
  [
    'one statement that counts and inserts',
    'duplicate after a look',
    /both looked at booking before either inserted into booking$/,
  ],
  [
    'a counter that is read and set in Redis',
    'lost update',
    /both read `null` in visits before either set visits$/,
  ],
] as const)('%s: %s', async (name, anomaly, words) => {
  const subject = racy[name]?.subject;
  if (subject === undefined) throw new Error(`no case ${name}`);
  const found = await explore(subject, { servers, firstOnly: true });
  expect(found.explained).toEqual({ anomaly, words: expect.stringMatching(words) });
  expect(verdictText(found)).toContain(`In words: ${found.explained?.words} (${anomaly})`);
});

test('a reader between two writes has a stale read', async () => {
  const subject = others['a report that reads twice']?.subject;
  if (subject === undefined) throw new Error('no such case');
  const found = await explore(subject, { servers });
  expect(found.explained?.anomaly).toBe('stale read');
});

test('a deadlock is named', async () => {
  const subject = others['two locks taken in two orders']?.subject;
  if (subject === undefined) throw new Error('no such case');
  const { serial } = await explore(subject, { servers });
  const order = serial?.shortest.get('only an error that asks for a retry');
  expect(order && explain(order.record, ['ann', 'bob'])).toMatchObject({ anomaly: 'deadlock' });
});

test('an order without two looks explains nothing', async () => {
  const act = onePgClient(query => query("insert into booking (who) values ('me')"));
  const setup = 'create table booking (id serial primary key, who text)';
  const found = await explore(
    { setup, audit: atMostOne, actors: { ann: act, bob: act }, check: () => ['never right'] },
    { servers, firstOnly: true },
  );
  expect(found.explained).toBeUndefined();
});
