import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Actor, explore } from '../../src/explore/explore.ts';
import { realTime } from '../fixtures/real-time.ts';
import { testServers } from '../servers.ts';
import { subject } from './programs.ts';

const script = fileURLToPath(new URL('commands/book.mjs', import.meta.url));
const servers = { pgUrl: testServers().postgresUrl };
const table = 'create table booking (id serial primary key, who text)';
const atMostOne = 'select count(*)::int as bookings from booking having count(*) > 1';

function command(...values: string[]): Actor {
  return { command: [process.execPath, script, ...values] };
}

describe('programs that know nothing of the explorer', { timeout: 120_000 }, () => {
  test('the same counts as inside this process', async () => {
    const found = await explore(subject(table, atMostOne, [command(), command()]), {
      servers,
      phases: false,
      preemptions: 'unbounded',
      reduce: false,
    });
    expect(found).toMatchObject({ outcome: 'unsafe', orders: 6, violating: 4, exhausted: true });
  });

  test('a crash is a real kill', async () => {
    const found = await explore(subject(table, atMostOne, [command(), command()]), {
      servers,
      phases: false,
      preemptions: 0,
      events: ['crash'],
    });
    expect([...found.ends.keys()]).toContain('A crashed · B returned');
  });

  test('one that sleeps for real is left asleep, and woken as a choice', realTime, async () => {
    const found = await explore(subject(table, atMostOne, [command('slowly'), command()]), {
      servers,
      phases: false,
      preemptions: 0,
    });
    expect(found.outcome).toBe('unsafe');
    expect(found.counterexample?.schedule).toMatch(/a/);
  });

  test('a request to a service, which is started with its own URLs', async () => {
    const service = fileURLToPath(new URL('commands/service.mjs', import.meta.url));
    const books: Actor = {
      service: { command: [process.execPath, service] },
      request: { path: '/bookings' },
    };
    const found = await explore(subject(table, atMostOne, [books, books]), {
      servers,
      phases: false,
      preemptions: 1,
    });
    expect(found).toMatchObject({ outcome: 'unsafe', exhausted: true });
    const told = found.counterexample?.record.ends.map(end =>
      end?.kind === 'returned' ? end.value : end,
    );
    expect(told).toMatchObject([{ status: 201 }, { status: 201 }]);
  });

  test.each([
    ['before it listens', 'process.exit(3)', /bob never started in every order: .*\(3\)/],
    [
      'while it is asked',
      "require('http').createServer(() => process.exit(3)).listen(process.env.PORT, '127.0.0.1')",
      /bob threw .* in every order/,
    ],
  ])('a service that ends %s is said so', async (_when, code, said) => {
    const service = { command: [process.execPath, '-e', code] } as const;
    const ends: Actor = { service, request: { path: '/' } };
    const actors = { ann: command(), bob: ends };
    const found = await explore(
      { ...subject(table, 'select 1 where false', []), actors },
      { servers, phases: false, preemptions: 0 },
    );
    expect(found.outcome).toBe('inconclusive');
    expect(found.why).toMatch(said);
  });

  test('a program that goes past its gates is seen, and its exit code names its end', async () => {
    const past = `const socket = require('net').connect(${new URL(servers.pgUrl).port}, '127.0.0.1');
      setTimeout(() => process.exit(5), 300)`;
    const leaves: Actor = { command: [process.execPath, '-e', past] };
    const found = await explore(
      { ...subject(table, 'select 1 where false', []), actors: { ann: command(), bob: leaves } },
      { servers, phases: false, preemptions: 0 },
    );
    expect(found.why).toContain(`bob connected to 127.0.0.1:${new URL(servers.pgUrl).port} past`);
    expect(found.why).toMatch(/bob threw exit 5: in every order/);
    expect(found.advice).toContain("refusals: ['exit 5']");
  });

  test('a program that cannot start is said so', async () => {
    const missing: Actor = { command: ['no-such-program-anywhere'] };
    const found = await explore(subject(table, atMostOne, [missing]), { servers });
    expect(found.outcome).toBe('setup-failed');
    expect(found.why).toContain('ENOENT');
  });
});
