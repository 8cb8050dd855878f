/** The outside world of a rule that pays: one provider for all callers, each call through its gate. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { Query } from '../../src/contract/index.ts';
import { openProvider, ownBooks, type Provider } from '../../src/scenarios/payout/provider.ts';

type Books = ReturnType<typeof ownBooks>;

let opened: Promise<Provider> | undefined;
let books: Books | undefined;
const callers = new AsyncLocalStorage<{ readonly gateUrl: string }>();

/** Where it listens; opened once per process, and never keeps it alive. */
export async function providerUrl(): Promise<string> {
  opened ??= open();
  return (await opened).url;
}

/** Payments are kept in this database from now on. */
export async function keepBooksIn(databaseUrl: string): Promise<void> {
  await books?.close();
  books = ownBooks(databaseUrl);
}

/** Every call to the provider inside `work` goes to the gate instead. */
export function payingThrough<T>(gateUrl: string | undefined, work: () => Promise<T>): Promise<T> {
  return gateUrl === undefined ? work() : callers.run({ gateUrl }, work);
}

/** Ends it, and gives the process back what it has replaced; the next who asks opens another. */
export async function closeProvider(): Promise<void> {
  const provider = await opened;
  opened = undefined;
  await provider?.close();
  await books?.close();
  books = undefined;
}

async function open(): Promise<Provider> {
  const query: Query = (statement, values) => {
    if (books === undefined) throw new Error('nobody keeps the books of the provider');
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

/** On a connection of its own: one from a pool would outlive the caller that it belongs to. */
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
