import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { until } from '../fixtures/gate.ts';
import { makeRequest } from './appointments.ts';
import { ownPostgres } from './own-postgres.ts';
import { ask, post } from './requests.ts';
import { RunningService, servingService, startMaxMs } from './running-service.ts';

describe('Postgres comes back as a standby', { timeout: 2 * startMaxMs }, async () => {
  const postgres = await ownPostgres();
  const { ready } = servingService({
    DATABASE_URL: postgres.url,
    ALLOW_STRATEGY_HEADER: '1',
    CONNECT_TIMEOUT_MS: '400',
    WAIT_MS: '5000',
  });

  it('every strategy is told so, nobody starts on it, and it is ready when it is promoted', async () => {
    const { url } = ready();
    const { accepts } = await makeRequest(url, 2);
    await postgres.kill();
    await postgres.startAsStandby();
    await until('it is noticed', async () => {
      const { status, body } = await ask(`${url}/readyz`);
      return status === 503 && Object(body.checks).postgres === 'postgres-read-only';
    });
    const { strategies } = await loadRegistry();
    const noRedis = [...strategies].filter(([, { declared }]) => !declared.adoption.newDependency);
    const told: Record<string, unknown> = {};
    for (const [name] of noRedis) {
      const reply = await post(`${url}${accepts[0]}`, {}, { headers: { 'lock-strategy': name } });
      told[name] = reply.body.type;
    }
    const offered = Object.entries(told).filter(
      ([, type]) => type !== '/problems/strategy-not-offered',
    );
    expect(offered.length).toBeGreaterThan(10);
    expect(Object.fromEntries(offered)).toEqual(
      Object.fromEntries(offered.map(([name]) => [name, '/problems/postgres-read-only'])),
    );
    const late = new RunningService({ DATABASE_URL: postgres.url });
    expect(await late.ended()).toBe(1);
    expect(late.errors).toContain('it is a standby, which takes no changes');
    const admin = new pg.Client({ connectionString: postgres.url });
    await admin.connect();
    await admin.query('select pg_promote()');
    await admin.end();
    await until('it is ready', async () => (await ask(`${url}/readyz`)).status === 200);
    expect((await post(`${url}${accepts[0]}`)).status).toBe(201);
  });
});
