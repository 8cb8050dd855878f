import { describe } from 'vitest';
import redlock from '../../strategies/redlock.ts';
import redlock4 from '../../strategies/redlock-4.ts';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { leaseCases } from './lease-cases.ts';
import { outageCases } from './outage-cases.ts';
import { forEveryLease, type Leasing } from './redis-lease-rig.ts';
import { redlockCases } from './redlock-cases.ts';

/** What `npm test` says of redlock on 3 nodes, of the two redlocks on 3 and on 5. */
const nodes = await ownRedisServers(5);
const leases: readonly Leasing[] = [
  { name: 'redlock on 5 nodes', strategy: redlock, servers: 5 },
  { name: 'redlock-4 on 3 nodes', strategy: redlock4, servers: 3 },
  { name: 'redlock-4 on 5 nodes', strategy: redlock4, servers: 5 },
];

forEveryLease(nodes, leases, rig => {
  leaseCases(rig);
  outageCases(rig);
});

for (const { name, strategy, servers } of leases)
  describe(name, realTime, () => redlockCases(strategy, nodes.slice(0, servers)));
