import { Socket } from 'node:net';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import {
  errorFields,
  type PostgresMessage,
  PostgresReplies,
} from '../../src/explore/wire/postgres-replies.ts';
import { cString } from '../../src/explore/wire/postgres-unit.ts';
import { testServers } from '../servers.ts';
import { atMostOne, onePgClient, subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const options = { servers, phases: false } as const;
const table = 'create table booking (id serial primary key, who text)';

function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map(part => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const parse = (text: string): Buffer => message('P', `\0${text}\0`, Buffer.alloc(2));
const bindAndExecute = Buffer.concat([
  message('B', '\0\0', Buffer.alloc(6)),
  message('E', '\0', Buffer.alloc(4)),
]);
const sync = message('S');

/** Speaks the extended protocol by itself; `says` gets each reply, and is over when it says so. */
async function spoken(
  pgUrl: string,
  first: readonly Buffer[],
  next: (reply: PostgresMessage) => readonly Buffer[] | 'over',
): Promise<string[]> {
  const client = new pg.Client(pgUrl);
  client.on('error', () => undefined);
  await client.connect();
  const socket = z
    .instanceof(Socket)
    .parse(Reflect.get(Reflect.get(client, 'connection'), 'stream'));
  socket.removeAllListeners('data');
  const words: string[] = [];
  const replies = new PostgresReplies();
  await new Promise<void>(resolve => {
    socket.on('data', chunk => {
      for (const reply of replies.push(chunk)) {
        if (reply.type === 'C') words.push(cString(reply.bytes, 5));
        if (reply.type === 'D') words.push('row');
        if (reply.type === 'E') words.push(errorFields(reply).get('C') ?? '');
        const more = next(reply);
        if (more === 'over') resolve();
        else if (more.length > 0) socket.write(Buffer.concat([...more]));
      }
    });
    socket.write(Buffer.concat([...first]));
  });
  socket.destroy();
  return words;
}

function pipeline(...texts: string[]): ActorFunction {
  const all = [...texts.flatMap(text => [parse(text), bindAndExecute]), sync];
  return ({ pgUrl }) => spoken(pgUrl, all, ({ type }) => (type === 'Z' ? 'over' : []));
}

async function linesOf(actor: ActorFunction): Promise<string[][]> {
  const found = await explore(subject(table, 'select 1', [actor]), options);
  return (
    found.counterexample?.record.lines.map(line => [line.label, line.result, line.reply ?? '']) ??
    []
  );
}

describe('one message of several statements', () => {
  test('is a step per statement in an explicit transaction', async () => {
    const actor = onePgClient(query =>
      query("begin; insert into booking (who) values ('a'); select who from booking; commit"),
    );
    expect(await linesOf(actor)).toEqual([
      ['begin', 'BEGIN', 'BEGIN'],
      ["insert into booking (who) values ('a')", 'INSERT 0 1', 'INSERT 0 1'],
      ['select who from booking', '(a)', '["a"]\nSELECT 1'],
      ['commit', 'COMMIT', 'COMMIT'],
    ]);
  });

  test('an unlock before the commit is found inside of it', async () => {
    const actor = onePgClient(query =>
      query(`begin; select pg_advisory_lock(7);
        insert into booking (who) select 'me' where not exists (select from booking);
        select pg_advisory_unlock(7); commit`),
    );
    const found = await explore(subject(table, atMostOne, [actor, actor]), options);
    expect(found.outcome).toBe('unsafe');
  });

  test('runs to its end at the server when its client dies in the middle', async () => {
    const insert = "insert into booking (who) values ('a')";
    const actor = onePgClient(query => query(`begin; ${insert}; ${insert}; commit`));
    const found = await explore(
      subject(table, 'select count(*) from booking having count(*) <> 2', [actor]),
      { ...options, events: ['crash'] },
    );
    expect(found).toMatchObject({ violating: 0, exhausted: true });
    expect(found.orders).toBeGreaterThan(2);
  });
});

describe('a pipeline before one Sync', () => {
  test('is a step per Execute, and its Sync is the commit', async () => {
    const actor = pipeline("insert into booking (who) values ('a')", 'select who from booking');
    const lines = await linesOf(actor);
    expect(lines.map(([label, result]) => [label, result])).toEqual([
      ["insert into booking (who) values ('a')", 'INSERT 0 1'],
      ['select who from booking', '(a)'],
      ['sync', ''],
    ]);
    const found = await explore(subject(table, 'select 1 where false', [actor]), options);
    expect([...found.ends.keys()]).toEqual(['A returned ["INSERT 0 1","row","SELECT 1"]']);
  });

  test('skips behind an error, and rolls back', async () => {
    const insert = "insert into booking (who) values ('a')";
    const actor = pipeline(insert, 'select 1/0 from booking', insert);
    const found = await explore(
      subject(table, 'select count(*) from booking having count(*) > 0', [actor]),
      options,
    );
    expect(found).toMatchObject({ violating: 0, exhausted: true });
    expect([...found.ends.keys()]).toEqual(['A returned ["INSERT 0 1","22012"]']);
  });

  test('a failing commit is told at the Sync', async () => {
    const setup = `create table parent (id int primary key);
      create table child (p int references parent deferrable initially deferred)`;
    const actor = pipeline('insert into child values (1)', 'insert into child values (2)');
    const found = await explore(subject(setup, 'select 1 where false', [actor]), options);
    expect([...found.ends.keys()]).toEqual(['A returned ["INSERT 0 1","INSERT 0 1","23503"]']);
  });
});

/** As postgres.js does: Parse and Describe with a Flush, and the rest when that has answered. */
function describesFirst(before: string, text: string): ActorFunction {
  const asks = [parse(text), message('D', 'S\0'), message('H')];
  const begins = before === '' ? [] : [parse(before), bindAndExecute, sync];
  return ({ pgUrl }) => {
    let readies = before === '' ? 0 : 1;
    return spoken(pgUrl, before === '' ? asks : begins, ({ type }) => {
      if (type === 'Z') return readies-- > 0 ? asks : 'over';
      return type === 'T' || type === 'n' ? [bindAndExecute, sync] : [];
    });
  };
}

describe('a statement that is parsed before it is executed', () => {
  test('is one step with its Execute', async () => {
    const actor = describesFirst('', 'select who from booking');
    const lines = await linesOf(actor);
    expect(lines.map(([label, result]) => [label, result])).toEqual([
      ['select who from booking', '0 rows'],
    ]);
  });

  test('waits for a table that another has locked, without an order more', async () => {
    const locks = onePgClient(async query => {
      await query('begin');
      await query('lock table booking');
      await query("insert into booking (who) values ('b')");
      await query('commit');
    });
    const first = describesFirst('', 'select who from booking');
    const atOnce = onePgClient(query => query('select who from booking'));
    const run = (reader: ActorFunction) =>
      explore(subject(table, 'select 1 where false', [locks, reader]), {
        ...options,
        preemptions: 'unbounded',
        reduce: false,
      });
    const [split, whole] = [await run(first), await run(atOnce)];
    expect(split).toMatchObject({ outcome: 'safe', exhausted: true });
    expect(split.orders).toBe(whole.orders);
  });

  test('has taken its snapshot above READ COMMITTED: a write in between fails its own', async () => {
    const slot = 'create table slot (id int primary key, n int); insert into slot values (1, 0)';
    const update = 'update slot set n = n + 1 where id = 1';
    const parses = describesFirst('begin isolation level repeatable read', update);
    const writes = onePgClient(query => query(update));
    const found = await explore(subject(slot, 'select 1 where false', [parses, writes]), options);
    expect([...found.ends.keys()].some(ends => ends.includes('40001'))).toBe(true);
  });

  test('keeps its place without a name while the gate asks for the timeouts', async () => {
    const show = [parse('show lock_timeout'), message('D', 'S\0'), sync];
    const later = [show, [bindAndExecute, sync]];
    const actor: ActorFunction = ({ pgUrl }) =>
      spoken(pgUrl, [parse("set lock_timeout = '3s'"), bindAndExecute, sync], ({ type }) =>
        type === 'Z' ? (later.shift() ?? 'over') : [],
      );
    const found = await explore(subject(table, 'select 1 where false', [actor]), options);
    expect([...found.ends.keys()]).toEqual(['A returned ["SET","row","SHOW"]']);
  });

  test('alone is a step of its own: it locks and looks at its table', async () => {
    const actor: ActorFunction = ({ pgUrl }) =>
      spoken(pgUrl, [parse('select who from booking'), sync], ({ type }) =>
        type === 'Z' ? 'over' : [],
      );
    const lines = await linesOf(actor);
    expect(lines.map(([label]) => label)).toEqual(['select who from booking']);
  });
});
