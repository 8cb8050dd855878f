import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { Violation } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { freshDatabase } from '../database.ts';
import { metricsPage } from '../http/appointments.ts';
import { sumOf } from '../http/requests.ts';
import { type Ready, RunningService } from '../http/running-service.ts';
import { describeWith } from './tools.ts';

const rounds = 40;
const rivals = 8;
const script = fileURLToPath(new URL('k6/rivals.js', import.meta.url));
const summary = z.object({
  iterations: z.number(),
  accepted: z.number(),
  refused: z.number(),
  other: z.number(),
});

describeWith('rivals that k6 sends to four processes', ['k6'], async pathOf => {
  const { scenarios } = await loadRegistry();
  const { url: databaseUrl } = await freshDatabase();
  const folder = mkdtempSync(join(tmpdir(), 'k6-'));
  const client = new pg.Client({ connectionString: databaseUrl });
  let service: RunningService | undefined;
  let ready: Ready;

  beforeAll(async () => {
    service = new RunningService({
      DATABASE_URL: databaseUrl,
      PROCESSES: '4',
      ALLOW_STRATEGY_HEADER: '1',
    });
    ready = await service.ready();
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await service?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ['none', 'duplicate appointments'],
    ['row-lock', 'appoint one therapist each time'],
  ])('under %s %s, and k6, the service and the database count the same', async strategy => {
    const told = await k6(strategy);
    expect(told).toMatchObject({ iterations: rounds, other: 0 });
    expect(told.accepted + told.refused).toBe(rounds * rivals);

    const page = await metricsPage(ready.url);
    const counted = (outcome: string): number =>
      sumOf(page, 'lockstep_commands_total', { strategy, outcome });
    const { accepted, refused } = told;
    expect({ accepted: counted('accepted'), refused: counted('refused') }).toEqual({
      accepted,
      refused,
    });
    expect(await appointments(strategy)).toBe(accepted);

    const kinds = await violations(strategy);
    if (strategy === 'none') expect(kinds).toContain('duplicate');
    else expect({ kinds, accepted }).toEqual({ kinds: [], accepted: rounds });
  });

  async function k6(strategy: string): Promise<z.infer<typeof summary>> {
    const file = join(folder, `${strategy}.json`);
    const settings = {
      PROCESS_URLS: ready.processes.map(({ url }) => url).join(','),
      STRATEGY: strategy,
      RIVALS: String(rivals),
      ROUNDS: String(rounds),
      SUMMARY: file,
    };
    const quiet = ['--quiet', '--no-color', '--no-usage-report', '--address=127.0.0.1:0'];
    const given = Object.entries(settings).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    await promisify(execFile)(pathOf('k6'), ['run', ...quiet, ...given, script], {
      env: { PATH: process.env.PATH, HOME: folder },
      timeout: 120_000,
    });
    return summary.parse(JSON.parse(readFileSync(file, 'utf8')));
  }

  /** The requests of one run bear its strategy's name. */
  async function appointments(strategy: string): Promise<number> {
    const text = `
      select count(*)::integer as count from appointments
      join appointment_requests r on r.id = request_id where r.client = $1`;
    const { rows } = await client.query<{ count: number }>(text, [`k6 ${strategy}`]);
    return rows[0]?.count ?? 0;
  }

  async function violations(strategy: string): Promise<string[]> {
    const asked = 'select id::text from appointment_requests where client = $1';
    const keys = await client.query<{ id: string }>(asked, [`k6 ${strategy}`]);
    const ids = keys.rows.map(({ id }) => id);
    expect(ids).toHaveLength(rounds);
    const auditSql = scenarios.get('appointment')?.auditSql ?? '';
    const { rows } = await client.query<Violation>(auditSql, [ids, [], [], ids]);
    return rows.map(({ kind }) => kind);
  }
});
