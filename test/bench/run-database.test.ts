import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRunDatabase, sweepRunDatabases } from '../../bench/lab/run-database.ts';
import { testServers } from '../servers.ts';

/** Later than the time in which a database counts as young. */
const laterMs = (): number => Date.now() + 3_600_000;
const serverUrl = testServers().postgresUrl;
const admin = new pg.Client({ connectionString: serverUrl });

beforeAll(() => admin.connect());
afterAll(() => admin.end());

const nameOf = (url: string): string => new URL(url).pathname.slice(1);

async function exists(url: string): Promise<boolean> {
  const { rows } = await admin.query('select from pg_database where datname = $1', [nameOf(url)]);
  return rows.length > 0;
}

describe('what a killed run leaves on a server that is not ours', () => {
  test('is removed by a later run', async () => {
    const left = await createRunDatabase(serverUrl);
    await left.release(); // as the end of its process does
    expect(await sweepRunDatabases(serverUrl, laterMs())).toContain(nameOf(left.url));
    expect(await exists(left.url)).toBe(false);
  });

  test('is never removed while its run goes on, however old it is', async () => {
    const running = await createRunDatabase(serverUrl);
    expect(await sweepRunDatabases(serverUrl, laterMs())).not.toContain(nameOf(running.url));
    expect(await exists(running.url)).toBe(true);
    await running.drop();
    expect(await exists(running.url)).toBe(false);
  });

  test('is not removed while it is so young that its run may not have connected to it yet', async () => {
    const left = await createRunDatabase(serverUrl);
    await left.release();
    expect(await sweepRunDatabases(serverUrl)).not.toContain(nameOf(left.url));
    expect(await exists(left.url)).toBe(true);
    await sweepRunDatabases(serverUrl, laterMs());
  });

  test('is known by a name that nobody else would give', async () => {
    const other = 'lockstep_compare_report';
    await admin.query(`create database ${other}`);
    await sweepRunDatabases(serverUrl, laterMs());
    const { rows } = await admin.query('select from pg_database where datname = $1', [other]);
    expect(rows).toHaveLength(1);
    await admin.query(`drop database ${other}`);
  });
});
