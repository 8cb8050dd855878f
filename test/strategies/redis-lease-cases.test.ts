import { ownRedisServers } from '../fixtures/redis-server.ts';
import { leaseCases } from './lease-cases.ts';
import { forEveryLease, usualLeases } from './redis-lease-rig.ts';

forEveryLease(await ownRedisServers(3), usualLeases, leaseCases);
