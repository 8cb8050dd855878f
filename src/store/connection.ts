import { Socket } from 'node:net';
import pg from 'pg';
import { cancelStatement } from './cancel.ts';

/** Default connect timeout: an outage is reported within 500 ms. */
export const connectDefaultMs = 400;
/** Long, so that a burst after a quiet minute does not hit a cold pool. */
export const idleMs = 600_000;
const idleInTransactionMs = 15_000; // a frozen process must not hold its row locks forever
const connectionCheckMs = 500; // a statement whose client is gone must not keep its locks

const sockets = new WeakMap<pg.ClientBase, Socket>();

/**
 * A client whose connection can be cut at any time, whatever it is waiting for. It listens to its own
 * errors from the start: whoever made it may listen later than the first one comes. Postgres can end a
 * session in the same packet that says it is ready; without a listener that ends the process. The
 * query that runs then, or the next one, reports it.
 */
export class CuttableClient extends pg.Client {
  #broken = false;

  constructor(config?: pg.ClientConfig) {
    const socket = new Socket();
    super({ ...config, stream: () => socket });
    sockets.set(this, socket);
    this.on('error', () => {
      this.#broken = true;
    });
  }

  /** Whether its session is known to be over. */
  get broken(): boolean {
    return this.#broken;
  }
}

/**
 * Cancels what runs on a connection. False: the cancel may still come, so the connection must not be
 * used any more; see `cancelStatement`.
 */
export async function cancelOn(client: pg.ClientBase): Promise<boolean> {
  const socket = sockets.get(client);
  return socket ? cancelStatement({ client, socket }) : false;
}

/** Cuts a connection, whatever is running on it; pending queries get an error. */
export function cutConnection(client: pg.ClientBase): void {
  sockets.get(client)?.destroy();
}

/** Startup settings of every work connection; not usable behind a pooler. */
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
