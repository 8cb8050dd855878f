import { Socket } from 'node:net';
import pg from 'pg';

/** How long a new connection may take unless said: a store that is away is told within 500 ms. */
export const connectUsuallyMs = 400;
/** A burst after a quiet minute must not meet a cold pool. */
export const idleMs = 600_000;
const idleInTransactionMs = 15_000; // a frozen process must not hold its row locks for ever
const connectionCheckMs = 500; // a statement whose client was cut off must not keep its locks

const sockets = new WeakMap<pg.ClientBase, Socket>();

/** A client whose connection can be cut from outside, whatever it waits for. */
export class CuttableClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    sockets.set(this, socket);
  }
}

/** Cuts a connection under whatever runs on it; what waits for an answer gets an error. */
export function cutConnection(client: pg.ClientBase): void {
  sockets.get(client)?.destroy();
}

/** What every connection for work states at its start; a pooler takes none of it. */
export function startupOptions(lockTimeoutMs: number): string {
  return [
    'default_transaction_isolation=read\\ committed',
    `lock_timeout=${lockTimeoutMs}`,
    `idle_in_transaction_session_timeout=${idleInTransactionMs}`,
    `client_connection_check_interval=${connectionCheckMs}`,
  ]
    .map(setting => `-c ${setting}`)
    .join(' ');
}
