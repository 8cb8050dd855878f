import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Safe in a log line and in a header. */
const sane = /^[\w.:@/+=-]{1,128}$/;

/** Sets X-Request-Id on the response: the caller's own if it is safe, otherwise a new one. */
export function identify(request: IncomingMessage, response: ServerResponse): void {
  const sent = request.headers['x-request-id'];
  const id = typeof sent === 'string' && sane.test(sent) ? sent : randomUUID();
  response.setHeader('x-request-id', id);
}
