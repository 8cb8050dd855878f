import type { Gate, GateHost } from './lane.ts';
import { listen } from './listen.ts';
import type { PostgresServer } from './postgres-backend.ts';
import { PostgresLane } from './postgres-gate.ts';

/** Opens the port through which one actor reaches Postgres. */
export async function openPostgresGate(
  actor: string,
  server: PostgresServer,
  host: GateHost,
): Promise<Gate> {
  return listen(client => {
    new PostgresLane(actor, server, host, client);
  });
}
