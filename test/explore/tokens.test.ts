import pg from 'pg';
import { expect, test } from 'vitest';
import { type ActorFunction, explore, replay, type Subject } from '../../src/explore/explore.ts';
import type { Option } from '../../src/explore/run/option.ts';
import { checkTokens } from '../../src/explore/run/options.ts';
import { testServers } from '../servers.ts';
import { onePgClient } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };

/** Writes its bid on one connection and reads what was answered on another, at the same time. */
const bids: ActorFunction = async ({ pgUrl }) => {
  const clients = [new pg.Client(pgUrl), new pg.Client(pgUrl)] as const;
  const [writer, reader] = clients;
  for (const client of clients) await client.connect();
  try {
    const [, seen] = await Promise.all([
      writer.query('insert into bid values (1)'),
      reader.query('select from reply'),
    ]);
    return seen.rowCount;
  } finally {
    for (const client of clients) await client.end();
  }
};

const replies = onePgClient(async query => {
  const [row] = await query('select count(*)::int as n from bid');
  if (row?.n === 1) await query('insert into reply values (1)');
});

const subject: Subject = {
  setup: 'create table bid (id int); create table reply (id int)',
  audit: 'select 1 where false',
  check: ends =>
    ends.some(end => end?.kind === 'returned' && end.value === 1)
      ? ['answered before it read']
      : [],
  actors: { ann: bids, bob: replies },
};

test('a parked statement and a step of its actor on another connection are two choices', async () => {
  const found = await explore(subject, { servers });
  expect(found.outcome).toBe('unsafe');
  const schedule = found.counterexample?.schedule ?? '';
  expect(schedule).toMatch(/^v2:.*\+A.*A2/);
  const [again] = await replay(subject, schedule, { servers });
  expect(again?.violations).toEqual(['answered before it read']);
});

test('the same where statements are whole', async () => {
  const options = { servers, phases: false, preemptions: 'unbounded', reduce: false } as const;
  expect((await explore(subject, options)).outcome).toBe('unsafe');
});

test('a schedule of version 1 is replayed as it was meant', async () => {
  const one: Subject = {
    setup: 'create table note (n int)',
    audit: 'select 1 from note having count(*) > 1',
    actors: {
      ann: onePgClient(query => query('insert into note values (1)')),
      bob: onePgClient(query => query('insert into note values (2)')),
    },
  };
  const [record] = await replay(one, 'v1:ABBA', { servers });
  expect(record?.lines.map(line => line.token)).toEqual(['A', 'B', '+B', '+A']);
});

test('two choices that share a token end the exploration', () => {
  const choice = { token: 'A', legacy: 'A', kind: 'step', actor: 0, shape: '' } as const;
  const twice: Option[] = [
    { choice, lanes: [] },
    { choice: { ...choice, kind: 'effect' }, lanes: [] },
  ];
  expect(() => checkTokens(twice)).toThrow('two choices share a token: A (step), A (effect)');
});
