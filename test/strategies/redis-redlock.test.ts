import { describe } from 'vitest';
import redlock from '../../strategies/redlock.ts';
import { realTime } from '../fixtures/real-time.ts';
import { ownRedisServers } from '../fixtures/redis-server.ts';
import { redlockCases } from './redlock-cases.ts';

const nodes = await ownRedisServers(3);

describe('redlock', realTime, () => redlockCases(redlock, nodes));
