/** The payment provider for scenarios that pay: one for all callers, each call through the caller's gate. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Query } from '../../src/contract/index.ts';
import { openProvider, ownBooks, type Provider } from '../../src/scenarios/payout/provider.ts';

type Books = ReturnType<typeof ownBooks>;

let opened: Promise<Provider> | undefined;
let books: Books | undefined;
const callers = new AsyncLocalStorage<{ readonly gateUrl: string }>();

/** The provider's address. It is opened once per process, and does not keep the process alive. */
export async function providerUrl(): Promise<string> {
  opened ??= open();
  return (await opened).url;
}

/** From now on, payments are recorded in this database. */
export async function keepBooksIn(databaseUrl: string): Promise<void> {
  await books?.close();
  books = ownBooks(databaseUrl);
}

/** Redirects every call to the provider within `work` to the gate. */
export function payingThrough<T>(gateUrl: string | undefined, work: () => Promise<T>): Promise<T> {
  return gateUrl === undefined ? work() : callers.run({ gateUrl }, work);
}

/** Closes the provider and restores `fetch` and PROVIDER_URL; `providerUrl` opens a new one. */
export async function closeProvider(): Promise<void> {
  const provider = await opened;
  opened = undefined;
  await provider?.close();
  await books?.close();
  books = undefined;
}

async function open(): Promise<Provider> {
  const query: Query = (statement, values) => {
    if (books === undefined) throw new Error('call keepBooksIn before the provider is used');
    return books(statement, values);
  };
  const provider = await openProvider(query);
  const before = process.env.PROVIDER_URL;
  process.env.PROVIDER_URL = provider.url;
  const realFetch = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    const through = callers.getStore();
    const asked = input instanceof Request ? input.url : String(input);
    if (through === undefined || !asked.startsWith(provider.url)) return realFetch(input, init);
    return call(new URL(new URL(asked).pathname, through.gateUrl), init);
  };
  const close = async (): Promise<void> => {
    globalThis.fetch = realFetch;
    if (before === undefined) delete process.env.PROVIDER_URL;
    else process.env.PROVIDER_URL = before;
    await provider.close();
  };
  return { url: provider.url, close };
}

/** Uses a new connection per call: one from a pool would outlive its caller. */
function call(url: URL, init: RequestInit | undefined): Promise<Response> {
  const { method = 'GET', headers, body, signal } = init ?? {};
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method,
        headers: Object.fromEntries(new Headers(headers)),
        agent: false,
        ...(signal && { signal }),
      },
      answer => {
        const status = answer.statusCode ?? 502;
        buffer(answer).then(bytes => resolve(new Response(bytes.toString(), { status })), reject);
      },
    );
    sent.on('error', reject);
    sent.end(typeof body === 'string' ? body : undefined);
  });
}
