import type { RedisControl } from './redis-control.ts';

/**
 * What marks a Redis as used by an exploration: a library of functions, for a key would be seen by
 * whoever lists keys. It stays where an explorer and its keeper were both killed; the name of a
 * connection tells whether the one who made it is still there. Before Redis 7 there is no mark.
 */
const name = 'lockstep_explorer';

const library = `#!lua name=${name}
redis.register_function('${name}', function() return 'an exploration uses this server' end)`;

/** Marks the server as this exploration's, until its functions are put back to what they were. */
export async function mark(server: RedisControl): Promise<void> {
  await server.ask('client', 'setname', name).catch(() => undefined);
  await server.ask('function', 'load', 'replace', library).catch(() => undefined);
}

/**
 * Empties a server that a killed exploration has left: all that is in it is that one's. Rejects where
 * another exploration is still at work on it.
 */
export async function clearLeft(server: RedisControl, address: string): Promise<void> {
  const marks = await server.ask('function', 'list', 'libraryname', name).catch(() => []);
  if (!Array.isArray(marks) || marks.length === 0) return;
  const clients = String(await server.ask('client', 'list'));
  if (new RegExp(`\\bname=${name}\\b`).test(clients)) {
    throw new Error(`another exploration is using the Redis at ${address}: give each its own`);
  }
  await unmark(server);
}

/** Empties a server of ours and takes the mark away. */
export async function unmark(server: RedisControl): Promise<void> {
  await server.ask('flushall');
  await server.ask('script', 'flush');
  await server.ask('function', 'delete', name).catch(() => undefined);
}
