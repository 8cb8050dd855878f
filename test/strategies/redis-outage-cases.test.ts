import { ownRedisServers } from '../fixtures/redis-server.ts';
import { outageCases } from './outage-cases.ts';
import { forEveryLease, usualLeases } from './redis-lease-rig.ts';

forEveryLease(await ownRedisServers(3), usualLeases, outageCases);
