import { ownRedisServers } from '../fixtures/redis-server.ts';
import { allLeases, forEveryLease } from './redis-lease-rig.ts';
import { stallCases } from './stall-cases.ts';

forEveryLease(await ownRedisServers(3), allLeases, stallCases);
