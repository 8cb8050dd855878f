import { createServer, type Socket } from 'node:net';
import type { Gate } from './lane.ts';

/** Opens a port of its own on 127.0.0.1 and hands over every accepted connection. */
export async function listen(accept: (client: Socket) => void): Promise<Gate> {
  const server = createServer({ noDelay: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a gate has no port');
  const gate: Gate = {
    port: address.port,
    admits: true,
    // Lanes own their sockets; closing them first lets this end at once.
    close: () => new Promise(resolve => server.close(() => resolve())),
  };
  server.on('connection', client => {
    client.on('error', () => client.destroy());
    if (gate.admits) accept(client);
    else client.destroy();
  });
  return gate;
}
