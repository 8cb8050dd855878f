import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { request as secureRequest } from 'node:https';
import { buffer } from 'node:stream/consumers';
import { bodyBytesMax, bodyOf } from './recording.ts';
import type { Tape } from './tape.ts';

/** Ports in place of other services. */
export interface OpenProviders {
  /** What the service gets in place of their URLs. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** How a call is answered. */
export type Answering = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

/** Opens a port for each provider that passes its calls on, and notes them with their answers. */
export async function openProviders(
  urls: Readonly<Record<string, string>>,
  tape: Tape,
): Promise<OpenProviders> {
  const opened = await Promise.all(
    Object.entries(urls).map(async ([name, url]) => {
      const base = new URL(url);
      const answering = passing(name, base, tape);
      const port = await openPort(answering);
      return {
        name,
        url: `http://127.0.0.1:${port.port}${pathBehindHost(url)}`,
        close: port.close,
      };
    }),
  );
  return {
    env: Object.fromEntries(opened.map(({ name, url }) => [name, url])),
    close: async () => {
      await Promise.all(opened.map(one => one.close()));
    },
  };
}

/** `/v1` of `https://api.example.com/v1`, as it was written. */
export function pathBehindHost(url: string): string {
  return url.replace(/^https?:\/\/[^/]*/, '');
}

/** Opens a port of 127.0.0.1; a call that cannot be answered gets 502. */
export async function openPort(
  answering: Answering,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer((incoming, outgoing) => {
    answering(incoming, outgoing).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      if (!outgoing.headersSent) outgoing.writeHead(502).end(`${why}\n`);
      else outgoing.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a provider has no port');
  return {
    port: address.port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function passing(name: string, base: URL, tape: Tape): Answering {
  return async (incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    const body = await buffer(incoming);
    const headers = { ...incoming.headers, host: base.host, 'accept-encoding': 'identity' };
    const call = base.protocol === 'https:' ? secureRequest : request;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = call(new URL(`${base.origin}${url}`), { method, headers }, resolve);
      sent.on('error', reject);
      sent.end(body);
    });
    const told = await buffer(response);
    const { statusCode: status = 502, headers: answered } = response;
    const kept: [string, string][] = [];
    const type = answered['content-type'];
    if (type !== undefined) kept.push(['content-type', type]);
    const cut = body.length > bodyBytesMax || told.length > bodyBytesMax;
    tape.called({
      provider: name,
      method,
      path: url,
      body: bodyOf(body.subarray(0, bodyBytesMax), cut),
      answer: { status, headers: kept, body: bodyOf(told.subarray(0, bodyBytesMax), cut) },
    });
    outgoing.writeHead(status, Object.fromEntries(kept)).end(told);
  };
}
