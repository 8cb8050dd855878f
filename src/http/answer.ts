import type { ServerResponse } from 'node:http';
import { type ProblemCode, problemRow, typeOf } from './problems.ts';

/** Retry-After of a 503, in whole seconds: the minimum that the header can express. */
const retryAfterSeconds = '1';

/** Ends a response with JSON. */
export function answer(
  response: ServerResponse,
  status: number,
  body: object,
  type = 'application/json; charset=utf-8',
): void {
  if (response.headersSent) {
    response.destroy(); // a partly sent response cannot be taken back
    return;
  }
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/**
 * Ends a response with problem details (RFC 9457). `members` are added to the standard ones;
 * every 503 gets a `Retry-After`.
 */
export function answerProblem(
  response: ServerResponse,
  code: ProblemCode,
  detail: string | undefined,
  members: Readonly<Record<string, unknown>> = {},
): void {
  const { status, title, meaning } = problemRow(code);
  if (status === 503 && !response.headersSent) response.setHeader('retry-after', retryAfterSeconds);
  if (status === 401 && !response.headersSent) response.setHeader('www-authenticate', 'Bearer');
  const body = {
    type: typeOf(code),
    title,
    status,
    detail: detail ?? meaning,
    ...members,
    requestId: response.getHeader('x-request-id'),
  };
  answer(response, status, body, 'application/problem+json');
}

/** Thrown by HTTP handlers; the error handler turns it into problem details. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, detail?: string, members: Readonly<Record<string, unknown>> = {}) {
    super(detail ?? problemRow(code).title);
    this.code = code;
    this.detail = detail;
    this.members = members;
  }
}
