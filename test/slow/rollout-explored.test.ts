/** A change of strategy, with callers in the middle of it, in every order within the bound. */
import { describe, expect, test } from 'vitest';
import { serversOf } from '../../bench/explore/cell.ts';
import { providerUrl } from '../../bench/explore/provider.ts';
import { optionsOf, usualReach } from '../../bench/explore/spec.ts';
import { type ChangePlan, changeSubject, namedIn } from '../../bench/rollout/change-subject.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type Exploration, explore } from '../../src/explore/explore.ts';
import { scenarioNamed } from '../scenarios/commands.ts';
import { testServers } from '../servers.ts';

const registry = await loadRegistry();
/** Two preemptions take ten minutes: set ROLLOUT_PREEMPTIONS=2 for them. */
const preemptions = Number(process.env.ROLLOUT_PREEMPTIONS ?? 1);
const exploreMaxSeconds = 300 * preemptions;

async function explored(
  [from, to]: readonly [string, string],
  given: Pick<ChangePlan, 'callers' | 'back' | 'naive'>,
): Promise<Exploration> {
  const { postgresUrl: adminUrl, redisUrl, redisNodeUrls } = testServers();
  const { subject, cell } = changeSubject({
    registry,
    scenario: scenarioNamed(registry, 'payroll-reversal'),
    variant: 'plain',
    from: namedIn(registry, from),
    to: namedIn(registry, to),
    ...given,
  });
  const servers = serversOf(cell, { pgUrl: adminUrl, redisUrl, redisNodeUrls });
  return explore(subject, {
    ...optionsOf({ ...usualReach, preemptions, events: [], phases: false }),
    secondsMax: exploreMaxSeconds,
    servers: { ...servers, httpUrls: [await providerUrl()] },
  });
}

const changes = [
  ['row-lock', 'advisory-transaction'],
  ['row-lock', 'redis-lease'],
  ['redis-lease', 'redis-lease-fenced'],
  ['version-column', 'serializable'],
  ['unique-slots', 'row-lock'],
] as const;

describe.each(changes)('%s to %s', (...change) => {
  test('is safe for a caller of the old epoch and one who reads, with the mover between them', async () => {
    const { outcome, why, orders } = await explored(change, {
      callers: ['the old epoch', 'what it reads'],
    });
    expect(outcome, why).toBe('safe');
    expect(orders).toBeGreaterThan(50);
  }, 700_000);
});

test('a flag that each request reads is not enough', async () => {
  const { outcome } = await explored(['row-lock', 'advisory-transaction'], {
    callers: ['the old epoch', 'what it reads'],
    naive: true,
  });
  expect(outcome).toBe('unsafe');
}, 700_000);
