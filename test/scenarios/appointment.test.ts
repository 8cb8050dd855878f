import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import {
  auditOf,
  type Claimed,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  worded,
} from './commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'appointment');
let open: OpenEngine;
let session: Session;

beforeAll(async () => {
  open = openEngine(urls);
  session = await Session.open(urls.databaseUrl);
});
afterAll(async () => {
  await Promise.all([open.close(), session.close()]);
});

/** A request with offers to the therapists 1, 2, …; the offers in this order. */
async function newRequest(
  therapistsNeeded: number,
  therapists: number,
): Promise<{ id: string; offers: string[] }> {
  const therapistIds = Array.from({ length: therapists }, (_, n) => String(n + 1));
  const body = { client: 'Ada', therapistsNeeded, therapistIds };
  const made = await callRoute(open, scenario, 'post', '/appointment-requests', { body });
  if (!('offers' in made.body) || !Array.isArray(made.body.offers)) throw new Error('no offers');
  return { id: idOf(made), offers: made.body.offers.map(offer => String(offer.id)) };
}

const accept = (offer = '', commandId: string = randomUUID()) =>
  serveOne(open, {
    scenario,
    variant: 'plain',
    strategy: worded('steps'),
    input: { params: { id: offer }, body: {} },
    commandId,
  });

const findings = async (id: string, claimed?: Claimed): Promise<string[]> =>
  (await auditOf(open, scenario, [id], claimed)).map(({ kind, detail }) => `${kind}: ${detail}`);

describe('the audit', () => {
  test('finds nothing on requests that were filled one after the other', async () => {
    for (const needed of [1, 2]) {
      const { id, offers } = await newRequest(needed, 3);
      const commandId = randomUUID();
      await accept(offers[0], commandId);
      for (const offer of offers.slice(1)) await accept(offer);
      const claimed = { acknowledged: [[id, commandId]] as const, refusedKeys: [id] };
      expect(await findings(id, claimed)).toEqual([]);
    }
  });

  test('finds an appointment in excess, and a therapist who comes twice', async () => {
    const { id, offers } = await newRequest(1, 2);
    await accept(offers[0]);
    await session.run(`
      insert into appointments (request_id, offer_id, therapist_id, command_id)
      values (${id}, ${offers[0]}, 1, gen_random_uuid())`);
    expect(await findings(id)).toEqual([
      'duplicate: 2 appointments, but only 1 therapist is needed',
      'duplicate: therapist 1 has 2 appointments on one request',
    ]);
  });

  test('finds as many accepted offers as appointments that are not those of the same therapists', async () => {
    const { id, offers } = await newRequest(2, 3);
    const [first, second, third] = offers;
    for (const offer of [first, second]) await accept(offer);
    await session.run(
      `update appointment_offers set status = 'expired' where id = ${second}`,
      `update appointment_offers set status = 'accepted' where id = ${third}`,
    );
    expect(await findings(id)).toEqual([
      `inconsistent: offer ${third} is accepted without an appointment of its therapist`,
      `inconsistent: therapist 2 has an appointment by offer ${second}, which is not accepted`,
    ]);
  });

  test("finds an appointment that is another therapist's than its offer", async () => {
    const { id, offers } = await newRequest(1, 2);
    await accept(offers[0]);
    await session.run(`update appointments set therapist_id = 2 where request_id = ${id}`);
    expect(await findings(id)).toEqual([
      `inconsistent: offer ${offers[0]} is accepted without an appointment of its therapist`,
      `inconsistent: therapist 2 has an appointment by offer ${offers[0]}, which is not accepted`,
    ]);
  });

  test('finds offers that are pending though the request is full, or expired though it is not', async () => {
    const { id, offers } = await newRequest(1, 2);
    await accept(offers[0]);
    await session.run(`update appointment_offers set status = 'pending' where id = ${offers[1]}`);
    expect(await findings(id)).toEqual([
      'inconsistent: 1 offers are still pending on a full request',
    ]);
    const early = await newRequest(2, 2);
    await session.run(
      `update appointment_offers set status = 'expired' where id = ${early.offers[0]}`,
    );
    expect(await findings(early.id)).toEqual([
      'inconsistent: 1 offers have expired, but only 0 of 2 appointments exist',
    ]);
  });

  test('finds an acknowledged appointment that is not there, and a refusal while a place was free', async () => {
    const { id } = await newRequest(2, 2);
    const commandId = randomUUID();
    const claimed = { acknowledged: [[id, commandId]] as const, refusedKeys: [id] };
    expect(await findings(id, claimed)).toEqual([
      'false refusal: a caller was refused while 0 of 2 places were taken',
      `lost acknowledgement: command ${commandId} was acknowledged but is not in the database`,
    ]);
  });
});
