import { emptied } from '../redis-faults.ts';

/** A restart without persistence, or a failover to an empty replica: every lease is forgotten at once. */
export default emptied('Redis is killed and comes back empty (every node of several)', 'all');
