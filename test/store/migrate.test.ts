import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { migrate, type Schema } from '../../src/store/migrate.ts';
import { freshDatabase } from '../database.ts';
import { Session } from '../fixtures/session.ts';

const script = fileURLToPath(new URL('migrate-process.ts', import.meta.url));

/** Not to be run twice: whoever does so is told by Postgres. */
const once: Schema = { name: 'once', schemaSql: 'create table once (id integer primary key)' };

async function database(): Promise<{ url: string; session: Session; drop: () => Promise<void> }> {
  const { url, drop } = await freshDatabase('template0', 'caller drops');
  const session = await Session.open(url);
  return { url, session, drop: () => session.close().then(drop) };
}

async function inProcess(url: string, schemas: readonly Schema[]): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', script], { timeout: 60_000 });
  child.stdin.end(JSON.stringify({ url, schemas }));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return out + err;
}

describe('migrations', () => {
  test('several processes that start at once apply each file once', async () => {
    const { url, session, drop } = await database();
    const schemas = [once, ...(await loadRegistry()).scenarios.values()];
    const plain = schemas.map(({ name, schemaSql }) => ({ name, schemaSql }));
    const told = await Promise.all([1, 2, 3].map(() => inProcess(url, plain)));
    expect(told).toEqual(['migrated\n', 'migrated\n', 'migrated\n']);
    expect(await session.value('select count(*)::integer from lockstep_migrations')).toBe(
      schemas.length,
    );
    await drop();
  });

  test('a file that has not been applied is applied later, after those before it', async () => {
    const { url, session, drop } = await database();
    await migrate(url, [once]);
    const later = { name: 'once/migrations/0001-name.sql', sql: 'alter table once add name text' };
    await migrate(url, [{ ...once, migrations: [later] }]);
    await migrate(url, [{ ...once, migrations: [later] }]);
    expect(await session.value('select count(name)::integer from once')).toBe(0);
    await drop();
  });

  test('a file that was changed after it had been applied is told, and nothing is applied', async () => {
    const { url, session, drop } = await database();
    await migrate(url, [once]);
    const changed = { ...once, schemaSql: 'create table once (id bigint primary key)' };
    const other = { name: 'other', schemaSql: 'create table other ()' };
    await expect(migrate(url, [other, changed])).rejects.toThrow(
      /^once\/schema\.sql has changed since it was applied.*once\/migrations\/NNNN/,
    );
    expect(await session.value("select to_regclass('other')")).toBeNull();
    await drop();
  });

  test('other line ends are no change', async () => {
    const { url, drop } = await database();
    const lines = { name: 'lines', schemaSql: 'create table lines\n()' };
    await migrate(url, [lines]);
    await migrate(url, [{ ...lines, schemaSql: 'create table lines\r\n()' }]);
    await drop();
  });

  test('a file that fails is named, and leaves nothing behind', async () => {
    const { url, session, drop } = await database();
    const broken = { name: 'broken', schemaSql: 'create table broken (); select 1 / 0' };
    await expect(migrate(url, [once, broken])).rejects.toThrow(
      'broken/schema.sql cannot be applied: division by zero',
    );
    expect(await session.value("select to_regclass('once')")).toBeNull();
    await migrate(url, [once]);
    await drop();
  });

  test('a user who may not create anything can start where all is applied', async () => {
    const { url, session, drop } = await database();
    await migrate(url, [once]);
    const password = randomUUID();
    await session.run(
      `create role "lockstep reader" login password '${password}'`,
      'grant select on all tables in schema public to "lockstep reader"',
    );
    const reader = new URL(url);
    reader.username = 'lockstep%20reader';
    reader.password = password;
    try {
      await migrate(reader.href, [once]);
    } finally {
      await session.run('drop owned by "lockstep reader"', 'drop role "lockstep reader"');
      await drop();
    }
  });
});
