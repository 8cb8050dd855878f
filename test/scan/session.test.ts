import pg from 'pg';
import { afterAll, expect, test } from 'vitest';
import { createDatabase } from '../../src/explore/run/database.ts';
import { tapPostgres } from '../../src/scan/record/postgres-tap.ts';
import { Tape } from '../../src/scan/record/tape.ts';
import { addressOf } from '../../src/scan/record/taps.ts';
import { testServers } from '../servers.ts';

const database = await createDatabase(testServers().postgresUrl);
const tape = new Tape();
const tap = await tapPostgres(addressOf(database.url, 5432), tape);

afterAll(async () => {
  await tap.close();
  await database.drop();
});

test('what a connection asks for at its start is noted as a SET', async () => {
  const url = new URL(database.url);
  url.port = String(tap.port);
  const client = new pg.Client({
    connectionString: url.href,
    options: "-c default_transaction_isolation=repeatable\\ read -c app.who='ann'",
  });
  client.on('error', () => undefined); // the query tells
  await client.connect();
  await client.end();
  expect(tape.session).toContain(
    `set "options" to '-c default_transaction_isolation=repeatable\\ read -c app.who=''ann'''`,
  );
  expect(tape.session.join()).not.toContain(database.name);
});
