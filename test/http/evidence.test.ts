import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { until } from '../fixtures/gate.ts';
import { plant } from '../telemetry/planted.ts';
import { openEdge } from './edge.ts';
import { ask } from './requests.ts';

const token = 'sixteen-characters-and-more';
const edge = await openEdge({ ADMIN_TOKEN: token });
const client = new pg.Client({ connectionString: edge.databaseUrl });
await client.connect();
afterAll(() => client.end());

const path = '/admin/violations';
const asAdmin = (query = '', given = `Bearer ${token}`) =>
  ask(`${edge.url}${path}${query}`, { headers: { authorization: given } });

describe('the evidence of the live audit', () => {
  it('is closed to whoever does not show the token, and where none is configured', async () => {
    const open = await openEdge();
    expect((await ask(`${open.url}${path}`)).status).toBe(403);
    const reply = await asAdmin('', 'Bearer sixteen-characters-and-less');
    expect([reply.status, reply.body.type]).toEqual([401, '/problems/admin-token-wrong']);
    expect(edge.logged.join('\n')).not.toContain(token);
  });

  it('is shown newest first and in pages', async () => {
    const keys = [await plant(client, 2), await plant(client, 3)];
    for (const [index, key] of keys.entries())
      await client.query(
        `insert into lockstep_violations (scenario, key, kind, unit, strategy, detail)
         select 'appointment', $1, 'duplicate', unit, $2, 'planted' from generate_series(1, $3) as unit`,
        [key, index === 0 ? 'unprotected' : 'row-lock', index + 1],
      );
    const first = await asAdmin('?limit=2');
    expect(first.status).toBe(200);
    const newest = { scenario: 'appointment', key: keys[1], kind: 'duplicate', unit: 2 };
    expect(first.body.violations).toMatchObject([newest, { ...newest, unit: 1 }]);
    const rest = await asAdmin(`?limit=2&before=${first.body.next}`);
    expect(rest.body.violations).toMatchObject([{ key: keys[0], strategy: 'unprotected' }]);
    const filtered = await asAdmin('?strategy=unprotected&kind=duplicate&scenario=appointment');
    expect(filtered.body.violations).toHaveLength(1);
    const none = await asAdmin('?scenario=payout');
    expect(none.body).toEqual({ violations: [], next: null });
  });

  it('says what is wrong with a query', async () => {
    const reply = await asAdmin('?limit=0&before=x&sort=id');
    expect(reply.status).toBe(400);
    expect(reply.body.issues).toHaveLength(3);
  });

  it('is shown while the sweep runs in the same process', async () => {
    await until('a lap has ended', async () => {
      const { rows } = await client.query('select from lockstep_sweeps where due_at > now()');
      return rows.length > 0;
    });
    expect((await asAdmin()).status).toBe(200);
  });
});
