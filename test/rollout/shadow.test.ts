import { afterAll, describe, expect, test } from 'vitest';
import { predict } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredStrategy } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { protectorOf, shadowName } from '../../src/rollout/shadow.ts';
import { freePort } from '../../src/services/index.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { callRoute, idOf, scenarioNamed, serveOne, toldOf } from '../scenarios/commands.ts';

const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, '');
const engines: OpenEngine[] = [];
afterAll(() => Promise.all(engines.map(open => open.close())));

function named(name: string): RegisteredStrategy {
  const found = strategyNamed(registry, name);
  if (!('strategy' in found)) throw new Error(JSON.stringify(found));
  return found.strategy;
}

function opened(more: Partial<typeof urls> = {}): OpenEngine {
  const open = openEngine({ ...urls, ...more }, { waitMs: 10_000 });
  engines.push(open);
  return open;
}

const giftCard = scenarioNamed(registry, 'gift-card');

/** Debits of 10 from a card of 30, all at once; what they were told. */
async function debits(open: OpenEngine, strategy: string, count: number): Promise<string[]> {
  const body = { initialCents: 30 };
  const id = idOf(await callRoute(open, giftCard, 'post', '/gift-cards', { body }));
  const { declared } = named(strategy);
  const input = { params: { id }, body: { amountCents: 10 } };
  const sent = { scenario: giftCard, variant: 'plain', strategy: declared, input };
  const told = await Promise.all(Array.from({ length: count }, () => serveOne(open, sent)));
  return told.map(toldOf).sort();
}

const three = ['accepted', 'accepted', 'accepted', 'used up'];

describe('a lock that is only tried', () => {
  test('is taken where it can be had, and its end is counted', async () => {
    const open = opened();
    expect(await debits(open, 'shadow:row-lock+redis-lease', 4)).toEqual(three);
    const { tries, releases } = open.recording;
    expect(tries).toEqual(['granted', 'granted', 'granted', 'granted']);
    expect(releases).toEqual(['released', 'released', 'released', 'released']);
  });

  test('refuses nobody when its store is dead, where both would', async () => {
    const redisUrl = `redis://127.0.0.1:${await freePort()}`;
    const open = opened({ redisUrl });
    expect(await debits(open, 'shadow:row-lock+redis-lease', 4)).toEqual(three);
    expect(new Set(open.recording.tries)).toEqual(new Set(['redis-unavailable']));
    expect(open.recording.tries).toHaveLength(4);
    expect(new Set(await debits(open, 'both:row-lock+redis-lease', 4))).toEqual(
      new Set(['redis-unavailable']),
    );
  });

  test('that nobody gives back costs half of the time, and then the old one decides', async () => {
    const open = openEngine(urls, { waitMs: 1_000, leaseMs: 30_000, extendLease: false });
    engines.push(open);
    const body = { initialCents: 30 };
    const id = idOf(await callRoute(open, giftCard, 'post', '/gift-cards', { body }));
    const [turn] = named('redis-lease').declared.turns;
    const holder = await turn?.open(open.backends, {
      ...{ waitMs: 1_000, leaseMs: 30_000, extendLease: false, attemptsMax: 1 },
    });
    const attempt = {
      ...{ commandId: 'a holder', number: 1, deadlineMs: open.backends.now() + 5_000 },
      ...{ report: () => {}, failure: (code: string) => new Error(code) },
    };
    const input = { params: { id }, body: { amountCents: 10 } };
    const { declared } = named('shadow:row-lock+redis-lease');
    const told = await holder?.turn(attempt, [`gift_cards/${id}`], () =>
      serveOne(open, { scenario: giftCard, variant: 'plain', strategy: declared, input }),
    );
    expect(told && toldOf(told)).toBe('accepted');
    expect(open.recording.tries).toEqual(['turn-refused']);
    await holder?.close();
  });

  test('with a fence is tried without it: no token is asked for that may not be there', async () => {
    const { declared } = named('shadow:row-lock+redis-lease-fenced');
    expect(declared.guard).toEqual(['lock row']);
    expect(await debits(opened(), 'shadow:row-lock+redis-lease-fenced', 4)).toEqual(three);
  });

  test('protects nothing: what is safe is the old one', () => {
    const inserts = { acts: 'inserts beside it', effect: 'inside', wordings: ['steps'] } as const;
    const verdict = (name: string) => predict(named(name).declared, inserts, new Set()).verdict;
    expect(verdict('shadow:unprotected+redis-lease')).not.toBe('safe');
    expect(verdict('shadow:row-lock+redis-setnx-expire')).toBe('safe');
    expect(protectorOf(shadowName('row-lock', 'redis-lease'))).toBe('row-lock');
    expect(protectorOf('both:row-lock+redis-lease')).toBe('both:row-lock+redis-lease');
  });

  test.each([
    ['shadow:redis-lease+row-lock', 'inside the transaction'],
    ['shadow:row-lock+version-column', 'inside the transaction'],
    ['shadow:row-lock+advisory-try', 'inside the transaction'],
    ['shadow:redis-lease+redis-lease-queued', 'already exclude each other'],
    ['shadow:row-lock+redis-released-early', 'before COMMIT'],
  ])('%s is refused: %s', (name, because) => {
    expect(strategyNamed(registry, name)).toMatchObject({
      refused: expect.stringContaining(because),
    });
  });
});
