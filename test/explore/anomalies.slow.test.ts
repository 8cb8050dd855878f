import { describe, expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { anomalies, anomalySubject } from './anomalies.ts';

const servers = { pgUrl: testServers().postgresUrl };

/**
 * What PostgreSQL documents: READ COMMITTED is monotonic atomic view, REPEATABLE READ is snapshot
 * isolation, SERIALIZABLE shows none of them.
 */
const shownAt: Readonly<Record<string, readonly string[]>> = {
  'read committed': ['PMP', 'P4', 'G-single', 'G2-item', 'G2'],
  'repeatable read': ['G2-item', 'G2'],
  serializable: [],
};

describe.each(Object.entries(shownAt))('%s', (level, shown) => {
  test.each(anomalies)('$name', { timeout: 120_000 }, async anomaly => {
    const found = await explore(anomalySubject(anomaly, level), { servers, phases: false });
    expect(found.why).toContain(shown.includes(anomaly.name) ? 'violate' : 'satisfy');
    expect(found.exhausted).toBe(true);
    // Whoever reads what another takes back is told the same in every order: they never meet.
    const safe = anomaly.name === 'G1a' ? 'inconclusive' : 'safe';
    expect(found.outcome).toBe(shown.includes(anomaly.name) ? 'unsafe' : safe);
  });
});
