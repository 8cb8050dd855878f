import { outlastsLease, redisFault } from '../redis-faults.ts';

/** It refuses every write, and still gives back: what is locked is released, nothing new is locked. */
export default redisFault({
  ...outlastsLease,
  title: 'Redis is out of memory and refuses writes (every node of several)',
  phases: ['commit sent', 'holding', 'written'],
  async inject({ redis }) {
    await Promise.all(redis.map(server => server.say('config', 'set', 'maxmemory', '1')));
  },
  async heal({ redis }) {
    await Promise.all(redis.map(server => server.say('config', 'set', 'maxmemory', '0')));
  },
});
