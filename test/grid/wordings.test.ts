import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Strategy,
  strategy,
  type Violation,
  type Wording,
  wordingsAll,
} from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';

/**
 * One command at a time, every wording of `appointment` decides like this tiny model, although each
 * command draws its wording anew: so each must see the rows that the others wrote.
 */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const appointment = registry.scenarios.get('appointment');
if (!appointment) throw new Error('there is no scenario appointment');
const wordings: readonly Wording[] = wordingsAll.filter(wording =>
  appointment.registered.variants.plain?.wordings.includes(wording),
);
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls);
});
afterAll(() => open.close());

const worded = (wording: Wording): Strategy =>
  strategy({ title: wording, wording, guard: wording === 'precreated rows' ? ['lock row'] : [] });

class Model {
  readonly #needed: number;
  readonly #accepted = new Set<number>();

  constructor(needed: number) {
    this.#needed = needed;
  }

  accept(offer: number): string {
    if (this.#accepted.has(offer)) return 'already accepted';
    if (this.#accepted.size >= this.#needed) return 'expired';
    this.#accepted.add(offer);
    return 'accepted';
  }
}

const offersCount = 4;
const command = fc.record({
  offer: fc.nat(offersCount - 1),
  wording: fc.constantFrom(...wordings),
});

describe('appointment', () => {
  test('has more than one wording to compare', () => {
    expect(wordings).toEqual(['steps', 'numbered slots', 'precreated rows']);
  });

  test('every wording agrees with the model, whichever wrote before', async () => {
    const sequences = fc.record({
      needed: fc.constantFrom(1, 2),
      commands: fc.array(command, { minLength: 1, maxLength: 8 }),
    });
    const agrees = fc.asyncProperty(sequences, async ({ needed, commands }) => {
      const made = await createRequest(needed);
      const model = new Model(needed);
      for (const { offer, wording } of commands) {
        const told = await accept(made.offers[offer] ?? '', wording);
        expect({ offer, wording, told }).toEqual({ offer, wording, told: model.accept(offer) });
      }
      const violations = await open.store.query<Violation>({ text: appointment.auditSql }, [
        [made.id],
        [],
        [],
        [],
      ]);
      expect(violations).toEqual([]);
    });
    await fc.assert(agrees, { numRuns: 60 });
  });
});

async function createRequest(needed: number): Promise<{ id: string; offers: string[] }> {
  const route = appointment?.registered.routes.find(({ method }) => method === 'post');
  const therapistIds = Array.from({ length: offersCount }, (_, n) => String(n + 1));
  const body = { client: 'model', therapistsNeeded: needed, therapistIds };
  const made = await open.store.transact(query => {
    if (!route) throw new Error('there is no route that makes a request');
    return route.handle({ params: {}, body }, query);
  });
  const { id, offers } = made.body as { id: string; offers: { id: string }[] };
  return { id, offers: offers.map(offer => offer.id) };
}

async function accept(offerId: string, wording: Wording): Promise<string> {
  if (!appointment) throw new Error('there is no scenario appointment');
  const { outcome } = await open.engine.serve({
    scenario: { name: 'appointment', registered: appointment.registered },
    variant: 'plain',
    strategy: { name: wording, declared: worded(wording) },
    commandId: randomUUID(),
    input: { params: { id: offerId }, body: {} },
  });
  return outcome.kind === 'accepted' ? outcome.kind : outcome.detail;
}
