// More orders than anybody waits for: programs with children of their own, and keys in Redis.
import { appendFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { Actor } from '../../../src/explore/explore.ts';
import { race } from '../../../src/explore/race.ts';

const program = fileURLToPath(new URL('endless.mjs', import.meta.url));
const books: Actor = { command: [process.execPath, program] };

const counts: Actor = async ({ redisUrl }) => {
  const file = process.env.ENDLESS_PIDS;
  if (file !== undefined) appendFileSync(file, 'order\n');
  if (redisUrl === '') return;
  const redis = new Redis(redisUrl);
  for (let key = 0; key < 4; key++) await redis.incr(`key ${key}`);
  redis.disconnect();
};

export default race({
  title: 'endless',
  setup: 'create table booking (id serial primary key, who text)',
  audit: 'select id from booking where false',
  actors: { books, alsoBooks: books, counts },
  preemptions: 3,
});
