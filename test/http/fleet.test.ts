import { describe, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { testServers } from '../servers.ts';
import { makeRequest, metricsPage } from './appointments.ts';
import { ask, post, sumOf } from './requests.ts';
import { type RunningService, servingService, startMaxMs } from './running-service.ts';

/** Replicas on one database: who decided a key is read from the rows, not from one's own memory. */
const { redisUrl } = testServers();

const replica = (databaseUrl: string, strategy: string) =>
  servingService({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, STRATEGY: strategy });

type Replicas = readonly ReturnType<typeof replica>[];

/** Offers of one request go to the replicas in turn, until the live audits have found something. */
async function contendedUntilFound(replicas: Replicas): Promise<void> {
  const urls = replicas.map(one => one.ready().url);
  await until('violations are found', async () => {
    const { accepts } = await makeRequest(urls[0] ?? '', 8);
    await Promise.all(accepts.map((path, index) => post(urls[index % urls.length] + path, {})));
    return (await violations(replicas)) > 0;
  });
}

/** As counted by all replicas, under a strategy or all. */
async function violations(replicas: Replicas, strategy?: string): Promise<number> {
  const labels = strategy === undefined ? {} : { strategy };
  const pages = await Promise.all(replicas.map(one => metricsPage(one.ready().url)));
  return pages.reduce((sum, page) => sum + sumOf(page, 'lockstep_violations_total', labels), 0);
}

const pairsOf = async (replicas: Replicas): Promise<readonly number[]> => {
  const pages = await Promise.all(replicas.map(one => metricsPage(one.ready().url)));
  return pages.map(page => sumOf(page, 'lockstep_fleet_unsafe_pairs'));
};

const logged = ({ lines }: RunningService, text: string): readonly string[] =>
  lines.filter(line => line.includes('"level":40') && line.includes(text));

describe('two replicas under strategies that do not exclude each other', {
  timeout: 2 * startMaxMs,
}, async () => {
  const { url } = await freshDatabase();
  const replicas = [replica(url, 'row-lock'), replica(url, 'redis-lease')];

  test('are both ready, and say what they meet: in /readyz, in the log and as a metric', async () => {
    await until('both have met', async () => (await pairsOf(replicas)).join() === '1,1');
    for (const { service, ready } of replicas) {
      const { status, body } = await ask(`${ready().url}/readyz`);
      expect([status, body.status]).toEqual([200, 'ready']);
      expect(body.warnings).toEqual([
        expect.stringContaining("under 'redis-lease' and under 'row-lock' serve on this database"),
      ]);
      expect(String(body.warnings)).toContain('STRATEGY=both:redis-lease+row-lock');
      expect(logged(service, 'are not known to exclude each other')).toHaveLength(1);
    }
  });

  test('are not blamed one by one for what they let through together', async () => {
    await contendedUntilFound(replicas);
    expect(await violations(replicas, 'mixed')).toBeGreaterThan(0);
    expect(await violations(replicas, 'row-lock')).toBe(0);
    expect(await violations(replicas, 'redis-lease')).toBe(0);
  });
});

describe('two replicas under one strategy', { timeout: 2 * startMaxMs }, async () => {
  const { url } = await freshDatabase();
  const replicas = [replica(url, 'unprotected'), replica(url, 'unprotected')];

  test('that is a hazard say so, and meet nobody', async () => {
    expect(await pairsOf(replicas)).toEqual([0, 0]);
    for (const { service, ready } of replicas) {
      const { status, body } = await ask(`${ready().url}/readyz`);
      expect(status).toBe(200);
      expect(body.warnings).toEqual([
        expect.stringContaining("STRATEGY is 'unprotected', a hazard"),
      ]);
      expect(logged(service, "STRATEGY is 'unprotected', a hazard")).toHaveLength(1);
    }
  });

  test('are blamed as that one, and not as mixed', async () => {
    await contendedUntilFound(replicas);
    expect(await violations(replicas, 'unprotected')).toBeGreaterThan(0);
    expect(await violations(replicas, 'mixed')).toBe(0);
  });
});
