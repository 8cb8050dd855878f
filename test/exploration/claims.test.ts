import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Asked, auditWithClaims } from '../../bench/explore/claims-sql.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import type { ActorEnd } from '../../src/explore/explore.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import { scenarioNamed } from '../scenarios/commands.ts';

/** What the explorer's callers were told, held against the rows. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
let session: Session;

beforeAll(async () => {
  session = await Session.open(urls.databaseUrl);
});
afterAll(() => session.close());

const told = (outcome: string, detail: string): ActorEnd => ({
  kind: 'returned',
  value: { outcome, detail, attempts: 1 },
});

async function foundIn(name: string, asked: Asked, end: ActorEnd): Promise<unknown> {
  const { auditSql, registered } = scenarioNamed(registry, name);
  const judge = { auditSql, exhaustedReasons: registered.exhaustedReasons };
  const text = auditWithClaims(judge, [asked], [end]);
  return session.value(
    `select coalesce(string_agg(kind || ': ' || detail, '; '), '') from (${text}) as found`,
  );
}

describe('a caller that was denied', () => {
  test.each([
    ['busy', 'inconsistent: a command was answered as having no effect but took effect'],
    ['unknown', ''],
  ])('and whom the provider paid: %s', async (outcome, expected) => {
    const commandId = randomUUID();
    await session.run('delete from payment_provider.payments', 'delete from invoices');
    const key = String(
      await session.value(
        `insert into invoices (payee, amount_cents) values ('Ada', 1) returning id::text`,
      ),
    );
    const asked = { key, commandId };
    expect(await foundIn('payout', asked, told(outcome, 'conflict'))).toBe('');
    await session.run(
      `insert into payment_provider.payments (invoice_id, amount_cents, command_id)
       values (${key}, 1, '${commandId}')`,
    );
    const unrecorded = 'inconsistent: 1 payments of the provider are not in our books';
    expect(await foundIn('payout', asked, told(outcome, 'conflict'))).toBe(
      [unrecorded, expected]
        .filter(text => text !== '')
        .toSorted()
        .join('; '),
    );
  });
});

test('a refusal beside a visit that was not in the way is found', async () => {
  const key = String(
    await session.value(`insert into therapists (name) values ('Ida') returning id::text`),
  );
  const request = String(
    await session.value(
      `insert into visit_requests (therapist_id, client, during)
       values (${key}, 'Bo', '[2030-01-01 10:00Z, 2030-01-01 11:00Z)') returning id::text`,
    ),
  );
  await session.run(
    `insert into visits (therapist_id, request_id, during, command_id)
     values (${key}, ${request}, '[2030-01-01 11:00Z, 2030-01-01 12:00Z)', gen_random_uuid())`,
  );
  const asked = { key, commandId: randomUUID() };
  const refusal = { reason: 'taken', id: `${key}/${request}` };
  expect(await foundIn('calendar', asked, told('refused', 'taken'))).toBe('');
  expect(await foundIn('calendar', { ...asked, refusal }, told('refused', 'taken'))).toBe(
    `false refusal: a caller was refused request ${request}, whose hours overlap no visit`,
  );
});
