import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What may stand in a log line and in a header without harm. */
const sane = /^[\w.:@/+=-]{1,128}$/;

/** Gives each response an X-Request-Id: the caller's own where it is sane, else a fresh one. */
export function identify(request: IncomingMessage, response: ServerResponse): void {
  const sent = request.headers['x-request-id'];
  const id = typeof sent === 'string' && sane.test(sent) ? sent : randomUUID();
  response.setHeader('x-request-id', id);
}
