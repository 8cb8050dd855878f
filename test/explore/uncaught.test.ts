import { AsyncResource } from 'node:async_hooks';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { catchUncaught } from '../../src/explore/time/uncaught.ts';
import { testServers } from '../servers.ts';
import { subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };
const setup = 'create table booking (seat int unique)';
const audit = 'select seat from booking group by seat having count(*) > 1';

/** Ends by itself after one insert; what happens beside it is up to `beside`. */
function booking(beside: () => void): ActorFunction {
  return async ({ pgUrl }) => {
    const client = new pg.Client(pgUrl);
    await client.connect();
    beside();
    await client.query('insert into booking values (1) on conflict do nothing');
    await client.end();
  };
}

const quiet = booking(() => undefined);
const endsOf = async (actor: ActorFunction, events: readonly 'lost-reply'[] = []) => {
  const options = { servers, events, phases: false };
  const found = await explore(subject(setup, audit, [actor, quiet]), options);
  expect(found).toMatchObject({ violating: 0, exhausted: true });
  return [...found.ends.keys()].sort();
};

describe('what an actor throws with nobody there to catch it ends that actor:', () => {
  test('a client without a listener whose connection is gone', async () => {
    const gone = 'threw uncaught: Connection terminated unexpectedly';
    expect(await endsOf(quiet, ['lost-reply'])).toEqual([
      'A returned · B returned',
      `A returned · B ${gone}`,
      `A ${gone} · B returned`,
    ]);
  });

  test('a promise that nobody awaits', async () => {
    const stray = booking(() => void Promise.reject(new Error('stray')));
    expect(await endsOf(stray)).toEqual(['A threw uncaught: stray · B returned']);
  });

  test('a timer of its own', async () => {
    const late: ActorFunction = () =>
      new Promise(() => {
        setTimeout(() => {
          throw new Error('late');
        }, 50);
      });
    expect(await endsOf(late)).toEqual(['A threw uncaught: late · B returned']);
  });
});

test('what an actor still does behind its end reaches no server', async () => {
  const left: (() => void)[] = [];
  let late = 0;
  const leaves: ActorFunction = async ({ pgUrl }) => {
    for (const goOn of left.splice(0)) goOn(); // those of the order before
    const client = new pg.Client(pgUrl);
    await client.connect();
    await client.query('select count(*) from booking');
    await client.end();
    const insert = async (): Promise<void> => {
      late += 1;
      const other = new pg.Client(pgUrl).on('error', () => undefined);
      await other.connect();
      await other.query('insert into booking values (2)');
    };
    left.push(AsyncResource.bind(() => void insert()));
  };
  const wrong = 'select seat from booking where seat = 2';
  const found = await explore(subject(setup, wrong, [leaves, leaves]), {
    servers,
    preemptions: 'unbounded',
    reduce: false,
  });
  expect(found).toMatchObject({ violating: 0, exhausted: true });
  expect(late).toBeGreaterThan(0);
});

describe('what anybody else throws', () => {
  const kinds = ['uncaughtException', 'unhandledRejection'] as const;
  const runners = kinds.map(kind => process.listeners(kind as 'exit'));
  afterEach(() => {
    for (const [at, kind] of kinds.entries()) {
      process.removeAllListeners(kind);
      for (const listener of runners[at] ?? []) process.on(kind, listener);
    }
  });

  test.each(kinds)('goes to whom it went before: %s', kind => {
    const told: unknown[] = [];
    process.removeAllListeners(kind);
    const listener = (error: unknown): void => void told.push(error);
    process.on(kind, listener);
    const [first, second] = [catchUncaught(), catchUncaught()];
    Reflect.apply(process.emit, process, [kind, 'mine']);
    first();
    Reflect.apply(process.emit, process, [kind, 'still mine']);
    second();
    expect(told).toEqual(['mine', 'still mine']);
    expect(process.listeners(kind as 'exit')).toEqual([listener]);
  });
});
