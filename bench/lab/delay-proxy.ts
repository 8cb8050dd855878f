/** A TCP proxy that adds latency to Postgres connections, by delaying every chunk in both directions. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface DelayProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. `delayMs` is added to each round trip: half in each direction. */
export async function openDelayProxy(
  target: { readonly host: string; readonly port: number },
  delayMs: number,
): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, near => {
    const far = connect({ ...target, noDelay: true, allowHalfOpen: true });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => {}); // 'close' follows
      socket.once('close', failed => {
        sockets.delete(socket);
        if (!failed) return; // ended in both directions; delayed chunks are still to be delivered
        near.destroy();
        far.destroy();
      });
    }
    held(near, far, delayMs / 2);
    held(far, near, delayMs / 2);
  });
  const port = await listening(server);
  return {
    port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Node's timers of equal delay fire in order, so chunks stay in order. */
function held(from: Socket, to: Socket, delayMs: number): void {
  from.on('data', (chunk: Buffer) => {
    setTimeout(() => {
      if (to.writable) to.write(chunk);
    }, delayMs);
  });
  from.once('end', () => setTimeout(() => to.end(), delayMs));
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}
