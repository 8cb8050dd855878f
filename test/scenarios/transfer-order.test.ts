import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Guard, Outcome } from '../../src/contract/index.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import {
  auditOf,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  somebodyWaitsFor,
  worded,
} from './commands.ts';

/** Case multi-key-order: one step list, in which the unsorted rule deadlocks and the sorted one does not. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'transfer');
let patient: OpenEngine;
let once: OpenEngine;
let a: Session;
let observer: Session;

beforeAll(async () => {
  patient = openEngine(urls);
  once = openEngine(urls, { attemptsMax: 1 });
  [a, observer] = await Promise.all([
    Session.open(urls.databaseUrl),
    Session.open(urls.databaseUrl),
  ]);
  // each waiter looks once for a deadlock: A never, the commands when A surely waits
  await a.run("set deadlock_timeout = '1min'");
  await observer.run(`do $$ begin
    execute format('alter database %I set deadlock_timeout = ''500ms''', current_database());
  end $$`);
});
afterAll(async () => {
  await Promise.all([patient.close(), once.close(), a.close(), observer.close()]);
});

/** A holds the lower card, the command pays from the higher to the lower one, then A wants the higher. */
async function crossed(
  variant: string,
  open: OpenEngine,
  ...guard: Guard[]
): Promise<{ outcome: Outcome; failures: readonly string[] }> {
  const made = await callRoute(open, scenario, 'post', '/wallets', {
    body: { balancesCents: [100, 100] },
  });
  if (!('cards' in made.body) || !Array.isArray(made.body.cards)) throw new Error('no cards');
  const [low = '', high = ''] = made.body.cards.map(card => String(card.id));
  const before = open.recording.failures.length;
  const lock = (id: string): string =>
    `select id from wallet_cards where id = ${id} for no key update`;
  await a.run('begin isolation level read committed', lock(low));
  const waiting = serveOne(open, {
    scenario,
    variant,
    strategy: worded('steps', { guard }),
    input: { params: {}, body: { fromCardId: high, toCardId: low, amountCents: 20 } },
  });
  await somebodyWaitsFor(a, observer);
  await a.run(lock(high), 'commit'); // Postgres ends the command, which looks for it
  const outcome = await waiting;
  expect(await auditOf(open, scenario, [idOf(made)])).toEqual([]);
  return { outcome, failures: open.recording.failures.slice(before) };
}

describe('multi-key-order', () => {
  test('sorted, the one who comes second waits and holds nothing that the first one wants', async () => {
    const { outcome, failures } = await crossed('plain', patient, 'lock row');
    expect({ outcome, failures }).toMatchObject({
      outcome: { kind: 'accepted', attempts: 1 },
      failures: [],
    });
  });

  test('unsorted, a deadlock is retried', async () => {
    const { outcome, failures } = await crossed('unsorted', patient, 'lock row');
    expect(failures.length).toBeGreaterThan(0);
    // the retry may take the row before the one who waits for it has woken, and is the victim again
    expect({ outcome, failures }).toMatchObject({
      outcome: { kind: 'accepted', attempts: failures.length + 1 },
      failures: failures.map(() => 'deadlock'),
    });
  });

  test('unsorted, a deadlock without another attempt is told as busy, and nothing happened', async () => {
    const { outcome } = await crossed('unsorted', once, 'lock row');
    expect(outcome).toEqual({ kind: 'busy', detail: 'deadlock', attempts: 1 });
  });

  test('unsorted, even the writes of those who lock nothing deadlock', async () => {
    const { failures } = await crossed('unsorted', patient, 'compare version');
    expect(new Set(failures)).toEqual(new Set(['deadlock']));
  });
});
