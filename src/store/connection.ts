import { Socket } from 'node:net';
import pg from 'pg';
import { cancelStatement } from './cancel.ts';
import { postgresPlaces } from './postgres-url.ts';
import { writableHost } from './writable-host.ts';

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

type Connected = (error: Error | null, client?: pg.Client) => void;

/**
 * A client class for one DATABASE_URL, whoever makes the clients (a pool, Sequelize). With several
 * hosts, or `target_session_attrs=read-write`, each new connection leads to a host that takes writes,
 * and one whose server takes them no longer is cut: a session lock there would exclude nobody.
 * Throws where the URL is none.
 */
export function clientAt(url: string): typeof CuttableClient {
  const places = postgresPlaces(url);
  if (!places) throw new Error('not the URL of a Postgres');
  const [{ url: connectionString }] = places.hosts;
  if (!places.readWrite)
    return class extends CuttableClient {
      constructor(config?: pg.ClientConfig) {
        super({ ...config, connectionString });
      }
    };
  return class extends CuttableClient {
    readonly #connectMs: number;

    constructor(config: pg.ClientConfig = {}) {
      const connectMs = hostMs(config.connectionTimeoutMillis);
      super({ ...config, connectionString, connectionTimeoutMillis: connectMs });
      this.#connectMs = connectMs;
    }

    override connect(): Promise<pg.Client>;
    override connect(callback: Connected): void;
    override connect(callback?: Connected): Promise<pg.Client> | undefined {
      const connecting = this.#found();
      if (!callback) return connecting;
      connecting.then(
        () => callback(null, this),
        (error: unknown) => callback(error instanceof Error ? error : new Error(String(error))),
      );
      return undefined;
    }

    async #found(): Promise<pg.Client> {
      const found = await writableHost(url, places.hosts, this.#connectMs);
      this.host = found.at.host;
      this.port = found.at.port;
      if (sockets.get(this)?.destroyed) throw new Error('the connection was given up meanwhile');
      const watch = watchWrites(this);
      try {
        await super.connect();
        if (!watch.known) await watch.ask();
        if (watch.readOnly) throw new Error(`${found.at.name} takes no writes any more`);
      } catch (error) {
        found.forget();
        cutConnection(this);
        throw error;
      }
      watch.cutWhenReadOnly();
      return this;
    }
  };
}

/** A pool or Sequelize gives up after this time: finding a host, connecting to it, and a little more. */
export function connectMaxMs(url: string, connectMs: number): number {
  return postgresPlaces(url)?.readWrite ? 2 * connectMs + hostSlackMs : connectMs;
}

const hostSlackMs = 100;

/** The reverse of `connectMaxMs`: what one host may take. */
function hostMs(maxMs = 2 * connectDefaultMs + hostSlackMs): number {
  return Math.max(1, Math.floor((maxMs - hostSlackMs) / 2));
}

interface WriteWatch {
  /** Whether the server has said whether it takes writes. */
  readonly known: boolean;
  readonly readOnly: boolean;
  ask(): Promise<void>;
  /** From now on. */
  cutWhenReadOnly(): void;
}

/** Reported by Postgres from version 14 on at connect, and at each change. */
const readOnlyParameters = ['in_hot_standby', 'default_transaction_read_only'];

function watchWrites(client: pg.Client): WriteWatch {
  const values = new Map<string, boolean>();
  let cuts = false;
  const isReadOnly = (): boolean => [...values.values()].includes(true);
  const cut = (): void => {
    // a transaction that was begun before may still commit, and its answer is on its way
    if (client.getTransactionStatus() === 'T') client.once('drain', () => cutConnection(client));
    else {
      // the end of the answer may have been read with this: without the error a lock counts as granted
      client.connection.emit('error', new Error('the server takes no writes any more'));
      cutConnection(client);
    }
  };
  client.connection.on('parameterStatus', (message: unknown) => {
    const { parameterName: name, parameterValue: value } = statusOf(message);
    if (!readOnlyParameters.includes(name)) return;
    values.set(name, value === 'on');
    if (cuts && isReadOnly()) cut();
  });
  return {
    get known() {
      return readOnlyParameters.every(name => values.has(name));
    },
    get readOnly() {
      return isReadOnly();
    },
    async ask() {
      // a pooler does not pass on what the server reports
      const { rows } = await client.query<{ transaction_read_only: string }>(
        'show transaction_read_only',
      );
      values.set('asked', rows[0]?.transaction_read_only !== 'off');
    },
    cutWhenReadOnly() {
      cuts = true;
    },
  };
}

function statusOf(message: unknown): { parameterName: string; parameterValue: string } {
  const read = (name: string): string =>
    typeof message === 'object' && message !== null ? String(Reflect.get(message, name)) : '';
  return { parameterName: read('parameterName'), parameterValue: read('parameterValue') };
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
