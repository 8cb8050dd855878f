import type { Gate, GateHost } from './lane.ts';
import { listen } from './listen.ts';
import { RedisLane } from './redis-gate.ts';
import type { RedisServer } from './redis-traces.ts';

/** Opens the port through which one actor reaches one Redis. */
export async function openRedisGate(
  actor: string,
  server: RedisServer,
  host: GateHost,
): Promise<Gate> {
  return listen(client => {
    new RedisLane(actor, server, host, client);
  });
}
