import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { auditOf, callRoute, idOf, scenarioNamed, serveOne, worded } from './commands.ts';

/** Case retry-storm: fifty writers, one row, and nobody waits for anybody. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const scenario = scenarioNamed(registry, 'gift-card');
const writers = 50;
const attemptsMax = 3;
let open: OpenEngine;

beforeAll(() => {
  open = openEngine(urls, { attemptsMax });
});
afterAll(() => open.close());

test('retry-storm: attempts are bounded, who gives up is told so, and no update is lost', async () => {
  const body = { initialCents: 100 * writers };
  const id = idOf(await callRoute(open, scenario, 'post', '/gift-cards', { body }));
  const version = worded('steps', { guard: ['compare version'] });
  const ends = await Promise.all(
    Array.from({ length: writers }, () =>
      serveOne(open, {
        scenario,
        variant: 'plain',
        strategy: version,
        input: { params: { id }, body: { amountCents: 100 } },
      }),
    ),
  );
  const of = (kind: string) => ends.filter(end => end.kind === kind);
  expect(Math.max(...ends.map(end => end.attempts))).toBe(attemptsMax);
  expect(of('accepted').length).toBeGreaterThan(0);
  expect(of('busy').length).toBeGreaterThan(0);
  expect(of('accepted').length + of('busy').length).toBe(writers);
  for (const end of of('busy'))
    expect(end).toMatchObject({ detail: 'conflict', attempts: attemptsMax });
  // every failed attempt is told: what the give-up rate of a dashboard is made of
  const attempts = ends.reduce((total, end) => total + end.attempts, 0);
  expect(open.recording.failures.filter(code => code === 'conflict')).toHaveLength(
    attempts - of('accepted').length,
  );
  expect(await auditOf(open, scenario, [id])).toEqual([]);
});
