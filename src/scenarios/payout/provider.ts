/**
 * The payment provider: a small HTTP server that commits each payment on its own, whatever happens
 * to the caller's transaction. A process uses PROVIDER_URL if it is set; otherwise it starts a
 * provider on 127.0.0.1 with its first payment. All of them share one set of books, so any of them
 * will do.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { z } from 'zod';
import { type Query, sql } from '../../contract/index.ts';

export interface Provider {
  readonly url: string;
  close(): Promise<void>;
}

const requestMaxMs = 5_000;
const bodyMaxBytes = 4_096;
const connectionsMax = 5;

const order = z.strictObject({
  invoiceId: z.string(),
  amountCents: z.string(),
  commandId: z.string(),
});

// a repeated key returns the first payment: the update changes nothing, but waits for a rival
const keep = sql<{ id: string; same: boolean }>`
  insert into payment_provider.payments (invoice_id, amount_cents, command_id, idempotency_key)
  values ($1, $2, $3, $4)
  on conflict (idempotency_key) do update set idempotency_key = excluded.idempotency_key
  returning id, invoice_id = $1 and amount_cents = $2 as same`;

/** Listens on a free port of 127.0.0.1. `books` runs and commits one statement at a time. */
export async function openProvider(books: Query): Promise<Provider> {
  const server = createServer({ requestTimeout: requestMaxMs }, (request, response) => {
    void answered(request, books)
      .catch(() => ({ status: 503, body: {} }))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(body));
      });
  });
  const port = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

async function answered(request: IncomingMessage, books: Query): Promise<Answer> {
  if (request.method !== 'POST' || request.url !== '/payments') return { status: 404, body: {} };
  if (Number(request.headers['content-length'] ?? Number.NaN) > bodyMaxBytes)
    return { status: 413, body: {} };
  const asked = order.safeParse(JSON.parse(await text(request)));
  if (!asked.success) return { status: 400, body: {} };
  const { invoiceId, amountCents, commandId } = asked.data;
  const key = request.headers['idempotency-key'];
  const values = [invoiceId, amountCents, commandId, typeof key === 'string' ? key : null];
  const [payment] = await books(keep, values);
  if (!payment) return { status: 503, body: {} };
  return payment.same ? { status: 201, body: { id: payment.id } } : { status: 422, body: {} };
}

/** Neither the server nor its connections keep the process alive. */
function listening(server: Server): Promise<number> {
  server.on('connection', socket => socket.unref());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address.port);
      else reject(new Error('the provider has no port'));
    });
  });
}

/** The provider's own connections, closed automatically when idle. */
export function ownBooks(databaseUrl: string): Query & { close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: connectionsMax,
    connectionTimeoutMillis: requestMaxMs,
    query_timeout: requestMaxMs,
    application_name: 'lockstep provider',
    allowExitOnIdle: true,
  });
  pool.on('error', () => {}); // an idle connection that breaks is replaced
  pool.on('connect', client => client.on('error', () => {})); // the failing query reports it
  const query: Query = async <R>(statement: { text: string }, values: readonly unknown[]) => {
    const client = await pool.connect();
    try {
      // under a default of REPEATABLE READ a second payment under one key would be an error
      await client.query('begin isolation level read committed');
      const { rows } = await client.query<R & pg.QueryResultRow>(statement.text, [...values]);
      await client.query('commit');
      client.release();
      return rows;
    } catch (error) {
      client.release(true); // closing the connection rolls back
      throw error;
    }
  };
  return Object.assign(query, { close: () => pool.end() });
}

const started = new Map<string, Promise<Provider>>();
const startedOver = new WeakMap<Query, Promise<Provider>>();

export interface Asker {
  /** Runs queries on the database with the invoices. */
  readonly query: Query;
  /** Whether `query` autocommits each statement, as the provider's books require. */
  readonly commits: boolean;
}

/**
 * The URL of this process's provider. It uses its own connections to the server of DATABASE_URL,
 * since rules waiting for it may hold all of the service's. Without that variable (in tests that
 * open an engine themselves) it uses `query`, provided that autocommits.
 */
export async function providerUrl({ query, commits }: Asker): Promise<string> {
  const { PROVIDER_URL, DATABASE_URL } = process.env;
  if (PROVIDER_URL) return PROVIDER_URL;
  if (DATABASE_URL) return (await startAt(await databaseOf(DATABASE_URL, query))).url;
  if (commits) return (await startOver(query)).url;
  throw new Error(
    'no payment provider: set PROVIDER_URL, or DATABASE_URL to start one in this process',
  );
}

/** The URL of the database that `query` uses, on the server of `serverUrl`. */
async function databaseOf(serverUrl: string, query: Query): Promise<string> {
  const [database] = await query(sql<{ name: string }>`select current_database() as name`, []);
  if (!URL.canParse(serverUrl))
    throw new Error(
      'no payment provider: set PROVIDER_URL, since DATABASE_URL names no single host to start one on',
    );
  const url = new URL(serverUrl);
  url.pathname = `/${database?.name ?? ''}`;
  return url.href;
}

function startAt(databaseUrl: string): Promise<Provider> {
  const provider = started.get(databaseUrl) ?? openProvider(ownBooks(databaseUrl));
  started.set(databaseUrl, provider);
  return provider;
}

function startOver(query: Query): Promise<Provider> {
  const provider = startedOver.get(query) ?? openProvider(query);
  startedOver.set(query, provider);
  return provider;
}
