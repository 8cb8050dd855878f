import { type FailureCode, failures, isFailureCode } from '../contract/index.ts';

/** A problem type of the edge; those of the engine are the rows of the failure table. */
export interface ProblemRow {
  readonly status: number;
  readonly title: string;
  /** What happened and what the caller can do. */
  readonly meaning: string;
}

const row = (status: number, title: string, meaning: string): ProblemRow => ({
  status,
  title,
  meaning,
});

export const edgeProblems = {
  'malformed-request': row(
    400,
    'The request cannot be read',
    'The address or the framing of the request breaks the rules of HTTP. Send it again in the right form.',
  ),
  'malformed-json': row(
    400,
    'The body is not JSON',
    'The body says that it is JSON in UTF-8 and cannot be parsed as such. Correct it and send it again.',
  ),
  'invalid-input': row(
    400,
    'The input is invalid',
    '`issues` lists each fault with its path and what is expected there.',
  ),
  'unknown-strategy': row(
    400,
    'There is no such strategy',
    'The header Lock-Strategy names none that this service knows; `names` lists those it knows.',
  ),
  'unknown-variant': row(
    400,
    'There is no such variant',
    'The header Scenario-Variant names none of this scenario; `names` lists those it has.',
  ),
  'strategy-not-offered': row(
    400,
    'The strategy cannot run here',
    'The strategy that the header chose does not fit this variant, or needs a store that this service does not have; `detail` says which. Choose another.',
  ),
  'admin-token-wrong': row(
    401,
    'Not admitted',
    'This route needs the header Authorization: Bearer with the ADMIN_TOKEN of the service.',
  ),
  'admin-disabled': row(
    403,
    'The admin routes are closed',
    'The service runs without ADMIN_TOKEN, so nobody is admitted. Its operator has to set one.',
  ),
  'idempotency-key-invalid': row(
    400,
    'The idempotency key cannot be used',
    'The header Idempotency-Key takes 8 to 200 letters, digits and any of . _ ~ : + / = -, and may stand once. A random UUID is a good one.',
  ),
  'idempotency-not-offered': row(
    400,
    'The strategy cannot store an idempotency key',
    'The strategy of this request has to take its lock before anything else, and a key would be stored earlier; `detail` says more. Send the request without the key, or choose another strategy.',
  ),
  'header-not-allowed': row(
    403,
    'Requests may not choose here',
    'The headers Lock-Strategy and Scenario-Variant are a lab setting, taken only with ALLOW_STRATEGY_HEADER=1. Send the request without them.',
  ),
  'route-not-found': row(
    404,
    'There is no such route',
    'Nothing is served at this path; GET / lists what is.',
  ),
  'not-found': row(
    404,
    'It does not exist',
    'The path is right, and what it names does not exist. Look at the id.',
  ),
  'method-not-allowed': row(
    405,
    'The method is not allowed here',
    'The path exists and takes other methods; the header Allow lists them.',
  ),
  'request-timeout': row(
    408,
    'The request came too slowly',
    'The whole request has to arrive within 10 s. Nothing happened; send it again.',
  ),
  refused: row(
    409,
    'The operation was refused',
    'The business rule says no; `reason` says why. Nothing happened, and the same request will be refused again while the state stays as it is.',
  ),
  'idempotency-in-flight': row(
    409,
    'The same command is running',
    'A command with this Idempotency-Key has begun and not ended. Send it again a little later, with the same key: then it gets the answer of the first.',
  ),
  'body-too-large': row(413, 'The body is too large', 'A body may have 64 kB. Send a smaller one.'),
  'unsupported-media-type': row(
    415,
    'The body is of the wrong type',
    'A body has to be application/json in UTF-8, without a content encoding.',
  ),
  'idempotency-key-reused': row(
    422,
    'The idempotency key belongs to another command',
    'This Idempotency-Key was used with another payload or on another route. Nothing happened; send a new command with a new key.',
  ),
  'headers-too-large': row(
    431,
    'The headers are too large',
    'All headers together may have 16 kB. Send fewer or shorter ones.',
  ),
  'scenario-not-offered': row(
    501,
    'The strategy of this service does not cover this operation',
    'The service runs one strategy, and this operation is not written for it; `detail` says why. Its operator has to choose another.',
  ),
  'not-ready': row(
    503,
    'Not ready',
    'A store that is needed does not answer, or the process is stopping; `checks` says which.',
  ),
  'metrics-unavailable': row(
    503,
    'The metrics cannot be collected',
    'The process that sums over all processes does not answer in time. Try again.',
  ),
} as const satisfies Record<string, ProblemRow>;

export type EdgeProblemCode = keyof typeof edgeProblems;

/** Every code that an answer can have. */
export type ProblemCode = EdgeProblemCode | FailureCode;

/** One page of the documentation of problems. */
export interface ProblemPage extends ProblemRow {
  readonly type: string;
  readonly code: string;
  /** Of the failures of commands: how the command ended. */
  readonly outcome?: string;
  /** False where the effect may have happened. */
  readonly definite?: boolean;
}

/** The address of a problem type, relative to the service. */
export const typeOf = (code: ProblemCode): string => `/problems/${code}`;

/** The row behind a code. */
export function problemRow(code: ProblemCode): ProblemRow {
  return isFailureCode(code) ? failures[code] : edgeProblems[code];
}

/** The documentation of one problem type; undefined where there is none. */
export function problemPage(code: string): ProblemPage | undefined {
  if (isFailureCode(code)) {
    const { status, title, meaning, outcome, definite } = failures[code];
    return { type: typeOf(code), code, status, title, meaning, outcome, definite };
  }
  return isEdgeProblem(code) ? { type: typeOf(code), code, ...edgeProblems[code] } : undefined;
}

/** The documentation of all problem types. */
export const problemPages: readonly ProblemPage[] = [
  ...Object.keys(edgeProblems),
  ...Object.keys(failures),
].flatMap(code => problemPage(code) ?? []);

function isEdgeProblem(code: string): code is EdgeProblemCode {
  return Object.hasOwn(edgeProblems, code);
}
