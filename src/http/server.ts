import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { accept } from './arrival.ts';
import type { MessageClasses } from './message-classes.ts';
import { type EdgeProblemCode, edgeProblems, typeOf } from './problems.ts';

const requestMaxDefaultMs = 10_000;
const headersMaxBytes = 16 * 1_024;
/** Longer than clients and balancers keep an idle connection (most 60 s): the server closes last. */
const keepAliveMs = 75_000;
const closeIdleEveryMs = 20;
/** Connections that wait to be accepted: beyond them one is tried again after 1 s, 3 s, 7 s. */
const backlog = 4_096;

/** An HTTP server with a bound on every wait. */
export function httpServer(
  listener: RequestListener,
  {
    requestMaxMs = requestMaxDefaultMs,
    classes,
  }: { readonly requestMaxMs?: number; readonly classes?: MessageClasses } = {},
): Server {
  const server = createServer(
    {
      ...classes,
      requestTimeout: requestMaxMs,
      headersTimeout: requestMaxMs,
      connectionsCheckingInterval: Math.min(1_000, requestMaxMs),
      keepAliveTimeout: keepAliveMs,
      maxHeaderSize: headersMaxBytes,
      noDelay: true,
    },
    listener,
  );
  server.on('connection', accept);
  server.on('clientError', (error: Error & { code?: string }, socket: Duplex) => {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else socket.end(rawProblem(codeOf(error.code)));
  });
  return server;
}

/** Listens and resolves with the port. Rejects if the port is not available. */
export function listen(
  server: Server,
  options: { readonly host: string; readonly port: number; readonly exclusive: boolean },
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...options, backlog }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : options.port);
    });
  });
}

/**
 * Stops accepting connections, finishes running requests, and cuts what is left after `limitMs`. A
 * connection that node:cluster is handing over just as the last process closes gets no response
 * (seen with Node 20); it ends with the primary.
 */
export async function drain(servers: readonly Server[], limitMs: number): Promise<void> {
  const closed = Promise.all(servers.map(closedServer));
  // a connection becomes idle once its response is written, and would then be kept alive
  const idle = setInterval(() => {
    for (const server of servers) server.closeIdleConnections();
  }, closeIdleEveryMs);
  const cut = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, limitMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

function closedServer(server: Server): Promise<void> {
  return new Promise(resolve => server.close(() => resolve()));
}

function codeOf(code: string | undefined): EdgeProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-timeout' : 'malformed-request';
}

/** Written by hand, since there is no parsed request to respond to. */
function rawProblem(code: EdgeProblemCode): string {
  const { status, title, meaning } = edgeProblems[code];
  const body = JSON.stringify({ type: typeOf(code), title, status, detail: meaning });
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}
