import type { ServerResponse } from 'node:http';
import { type ProblemCode, problemRow, typeOf } from './problems.ts';

const retryAfterMax = 120; // what is ahead is an estimate from seconds

/** For `Retry-After`: whole seconds, at least the 1 that the header can express. */
export function retryAfterSeconds(aheadMs: number): string {
  return String(Math.min(retryAfterMax, Math.max(1, Math.ceil(aheadMs / 1_000))));
}

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
 * every 503 gets a `Retry-After`, of 1 s unless it is known better.
 */
export function answerProblem(
  response: ServerResponse,
  code: ProblemCode,
  detail: string | undefined,
  members: Readonly<Record<string, unknown>> = {},
): void {
  const { status, title, meaning } = problemRow(code);
  if (status === 503 && !response.headersSent && !response.hasHeader('retry-after'))
    response.setHeader('retry-after', retryAfterSeconds(0));
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
