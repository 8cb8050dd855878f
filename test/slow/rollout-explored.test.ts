/** A change of strategy, with callers in the middle of it, in every order within the bound. */
import { describe, expect, test } from 'vitest';
import { optionsOf, usualReach } from '../../bench/explore/spec.ts';
import { serversOf } from '../../bench/explore/cell.ts';
import { providerUrl } from '../../bench/explore/provider.ts';
import { type ChangePlan, changeSubject, namedIn } from '../../bench/rollout/change-subject.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { explore, type Exploration } from '../../src/explore/explore.ts';
import { scenarioNamed } from '../scenarios/commands.ts';
import { testServers } from '../servers.ts';

const registry = await loadRegistry();
const exploreMaxSeconds = 100;

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
    ...optionsOf({ ...usualReach, events: [], phases: false }),
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
    const { outcome, why, orders } = await explored(change, { callers: ['the old epoch', 'what it reads'] });
    expect({ outcome, why }).toMatchObject({ outcome: 'safe' });
    console.log(change.join(' -> '), orders);
  }, 150_000);
});

test('a flag that each request reads is not enough', async () => {
  const { outcome } = await explored(['row-lock', 'advisory-transaction'], {
    callers: ['the old epoch', 'what it reads'],
    naive: true,
  });
  expect(outcome).toBe('unsafe');
}, 150_000);
