import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { Session, waitersSql } from '../fixtures/session.ts';
import { scenarioNamed } from './commands.ts';

/** What the schema of `calendar` rests on, and may rest on no longer after an upgrade of Postgres. */
const { url: otherUrl } = await freshDatabase();
const scenario = scenarioNamed(await loadRegistry(), 'calendar');

describe('gist-hides-write-skew', () => {
  const look = "select count(*) from visit where therapist_id = 2000::bigint and during && '[1,2)'";
  const bothCommit = async (index: string): Promise<boolean> => {
    const [first, second] = await Promise.all([Session.open(otherUrl), Session.open(otherUrl)]);
    await first.run(
      'create extension if not exists btree_gist',
      'drop table if exists visit',
      'create table visit (therapist_id bigint, during int4range)',
      `create index on visit using ${index}`,
      "insert into visit select n, '[1,2)' from generate_series(1, 1000) as n",
      'analyze visit',
    );
    try {
      for (const session of [first, second]) {
        await session.run('set enable_seqscan = off', 'begin isolation level serializable');
        expect(await session.value(look)).toBe('0');
      }
      for (const session of [first, second])
        await session.run("insert into visit values (2000, '[1,2)')");
      await first.run('commit');
      return await second.run('commit').then(
        () => true,
        (error: { code: string }) => error.code !== '40001',
      );
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  };

  test('SERIALIZABLE sees the conflict through a B-tree', async () => {
    expect(await bothCommit('btree (therapist_id)')).toBe(false);
  });

  test('and misses it through a GiST index whose keys do not reach as far', async () => {
    expect(await bothCommit('gist (therapist_id, during)')).toBe(true);
  });
});

describe('exclusion-insert-deadlock', () => {
  const contenders = 8;
  const roundsMax = 500; // about one round in ten deadlocks
  const deadRows = 1_000; // what a check has to walk past, so that checks overlap in time

  test('plain inserts of one range, released together, wait for each other in a circle', async () => {
    const openMany = (count: number) =>
      Promise.all(Array.from({ length: count }, () => Session.open(otherUrl)));
    const [gate, old] = [await Session.open(otherUrl), await Session.open(otherUrl)];
    const rivals = await openMany(contenders);
    const codes = new Set<string>();
    const insert = async (session: Session): Promise<void> => {
      await session
        .run("insert into hour select 1, '[1,9)' from (select pg_advisory_lock_shared(7) offset 0)")
        .catch((error: { code: string }) => codes.add(error.code));
      await session.run('select pg_advisory_unlock_all()');
    };
    try {
      await gate.run(
        'create extension if not exists btree_gist',
        'create table hour (t bigint, during int4range, exclude using gist (t with =, during with &&))',
      );
      await old.run('begin isolation level repeatable read', 'select 1'); // keeps dead rows
      await gate.run(`do $$ begin
        for n in 1..${deadRows} loop insert into hour values (1, '[1,9)'); delete from hour; end loop;
      end $$`);
      for (const rival of rivals) await rival.run("set deadlock_timeout = '20ms'");
      for (let round = 0; round < roundsMax && !codes.has('40P01'); round += 1) {
        await gate.run('select pg_advisory_lock(7)');
        const ends = rivals.map(insert);
        await until('all wait', async () => (await gate.value(waitersSql)) === contenders);
        await gate.run('select pg_advisory_unlock(7)');
        await Promise.all(ends);
        await gate.run('delete from hour');
      }
    } finally {
      await Promise.all([...rivals, gate, old].map(session => session.close()));
    }
    expect(codes).toContain('40P01');
  });
});

describe('a role that may not create the extension', () => {
  test('is told what to do, and needs nothing once it is there', async () => {
    const database = await freshDatabase('template0', 'caller drops');
    const owner = await Session.open(database.url);
    const role = `limited_${randomUUID().slice(0, 8)}`;
    try {
      await owner.run(`create role ${role}`, `grant all on schema public to ${role}`);
      await owner.run(`set role ${role}`);
      await expect(owner.run(scenario.schemaSql)).rejects.toThrow(
        /btree_gist is missing and limited_\w+ may not create it .* "create extension btree_gist"/,
      );
      await owner.run('reset role', 'create extension btree_gist', `set role ${role}`);
      await owner.run(scenario.schemaSql, scenario.schemaSql);
    } finally {
      await owner.run('reset role', `drop owned by ${role}`, `drop role ${role}`);
      await owner.close();
      await database.drop();
    }
  });
});
