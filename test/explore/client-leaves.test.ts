/** A client that gives up and closes its connection takes nothing back that it has sent. */
import { createServer } from 'node:http';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { ownRedisUrl } from '../fixtures/redis-server.ts';
import { testServers } from '../servers.ts';
import { subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };
const options = { servers, phases: false, events: ['client-timeout'] } as const;
const setup = 'create table payment (id serial primary key)';
const paidTwice = 'select count(*)::int as n from payment having count(*) > 1';

/** Tries once more when its first try has ended by a limit. */
async function twice(once: (isFirst: boolean) => Promise<unknown>): Promise<string> {
  for (const isFirst of [true, false])
    try {
      await once(isFirst);
      return isFirst ? 'at once' : 'again';
    } catch {}
  return 'failed';
}

const byQueryTimeout: ActorFunction = ({ pgUrl }) =>
  twice(async isFirst => {
    const client = new pg.Client({ connectionString: pgUrl, query_timeout: isFirst ? 700 : 0 });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query('begin');
      await client.query('insert into payment default values');
      await client.query('commit');
    } finally {
      void client.end().catch(() => undefined);
    }
  });

describe('a client that gives up and leaves', () => {
  test('has sent its COMMIT to Postgres', async () => {
    const found = await explore(subject(setup, paidTwice, [byQueryTimeout]), options);
    expect(found.outcome, found.why).toBe('unsafe');
    expect(found.counterexample?.schedule).toContain('&A');
  });

  test('has paid nothing twice where no limit passes', async () => {
    const found = await explore(subject(setup, paidTwice, [byQueryTimeout]), {
      ...options,
      events: [],
    });
    expect([...found.ends.keys()]).toEqual(['A returned "at once"']);
    expect(found.counterexample).toBeUndefined();
  });

  test('has sent its command to Redis', async () => {
    const limited: ActorFunction = ({ redisUrl }) =>
      twice(async isFirst => {
        const redis = new Redis(redisUrl, isFirst ? { commandTimeout: 300 } : {});
        redis.on('error', () => undefined);
        try {
          expect(await redis.incr('payments')).toBe(1);
        } finally {
          redis.disconnect();
        }
      });
    const found = await explore(subject(setup, 'select 1 where false', [limited]), options);
    // the second try counts 2 where the first has arrived by then
    expect([...found.ends.keys()].sort()).toEqual([
      'A returned "again"',
      'A returned "at once"',
      'A returned "failed"',
    ]);
  });

  describe('over HTTP', () => {
    let paid = 0;
    const provider = createServer((_, response) => {
      paid += 1;
      response.end(String(paid));
    });
    let url = '';
    beforeAll(async () => {
      await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve));
      const address = provider.address();
      if (typeof address !== 'object' || !address) throw new Error('it has no port');
      url = `http://127.0.0.1:${address.port}`;
    });
    afterAll(() => {
      provider.close();
      provider.closeAllConnections();
    });

    test('has sent its request', async () => {
      const pays: ActorFunction = ({ httpUrls }) =>
        twice(isFirst =>
          fetch(`${httpUrls?.[0]}/pay`, {
            method: 'POST',
            ...(isFirst && { signal: AbortSignal.timeout(500) }),
          }).then(response => response.text()),
        );
      const check = async () => (paid > 1 ? [`paid ${paid} times`] : []);
      const reset = async () => {
        paid = 0;
      };
      const program = { ...subject(setup, 'select 1 where false', [pays]), check, reset };
      const found = await explore(program, {
        ...options,
        servers: { ...servers, httpUrls: [url] },
      });
      expect(found.outcome, found.why).toBe('unsafe');
    });
  });
});
