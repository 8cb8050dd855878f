import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

const options = {
  servers: { pgUrl: testServers().postgresUrl },
  phases: false,
  preemptions: 1,
} as const;
const slot = 'create table slot (id int primary key, n int default 0); insert into slot values (1)';
const update = 'update slot set n = n + 1 where id = 1';

const holds = onePgClient(async query => {
  await query('begin');
  await query(update);
  await query('commit');
});

/** A caller that says this before it wants the row, on a connection made like this. */
function wants(statements: readonly string[], config: pg.ClientConfig = {}): ActorFunction {
  return async ({ pgUrl }) => {
    const client = new pg.Client({ connectionString: pgUrl, ...config });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
      return await client.query(update).then(
        () => 'done',
        (error: pg.DatabaseError) => error.code,
      );
    } finally {
      await client.end();
    }
  };
}

async function ends(actor: ActorFunction, events: readonly 'timeout'[]): Promise<string[]> {
  const found = await explore(subject(slot, 'select 1 where false', [holds, actor]), {
    ...options,
    events,
  });
  expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  return [...found.ends.keys()].map(key => /B returned "(.*?)"/.exec(key)?.[1] ?? key).sort();
}

const set = "set lock_timeout = '1ms'";
const local = "set local lock_timeout = '1ms'";

describe.each<[string, readonly string[], pg.ClientConfig, string | undefined]>([
  ['SET', [set], {}, '55P03'],
  ['SET of the other', ["set statement_timeout = '1ms'"], {}, '57014'],
  ['SET LOCAL', ['begin', local], {}, '55P03'],
  ['SET LOCAL that is over', ['begin', local, 'commit', 'begin'], {}, undefined],
  ['SET that was rolled back', ['begin', set, 'rollback'], {}, undefined],
  ['SET behind a savepoint', ['begin', 'savepoint s', set, 'rollback to s'], {}, undefined],
  [
    'SET before one',
    ['begin', set, 'savepoint s', 'select 1 as a from slot', 'rollback to s'],
    {},
    '55P03',
  ],
  ['SET, and RESET', [set, 'reset lock_timeout'], {}, undefined],
  ['SET, and DISCARD ALL', [set, 'discard all'], {}, undefined],
  ['set_config', ["select set_config('lock_timeout', '1ms', false)"], {}, '55P03'],
  [
    'a block',
    ["do $$ begin perform set_config('lock_timeout', '1ms', false); end $$"],
    {},
    '55P03',
  ],
  ['a start-up parameter', [], { lock_timeout: 1 }, '55P03'],
  ['a start-up option', [], { options: '-c lock_timeout=1ms' }, '55P03'],
  [
    'SET of both, the other the shorter',
    ["set lock_timeout = '2ms'", set.replace('lock', 'statement')],
    {},
    '57014',
  ],
  [
    'a start-up option, and DISCARD ALL',
    ['discard all'],
    { options: '-c lock_timeout=1ms' },
    '55P03',
  ],
  [
    'a start-up option, and off',
    ['set lock_timeout = 0'],
    { options: '-c lock_timeout=1ms' },
    undefined,
  ],
])('a timeout from %s', (_, statements, config, code) => {
  test('never runs in real time', async () => {
    expect(await ends(wants(statements, config), [])).toEqual(['done']);
  });

  test(code === undefined ? 'is over' : 'ends a wait as an event', async () => {
    const expected = code === undefined ? ['done'] : [code, 'done'];
    expect(await ends(wants(statements, config), ['timeout'])).toEqual(expected);
  });
});

test('a session may stay idle in its transaction for as long as others have their turns', async () => {
  const idle = wants(["set idle_in_transaction_session_timeout = '1ms'", 'begin']);
  expect(await ends(idle, [])).toEqual(['done']);
});
