import { type FailureCode, failures, isFailureCode } from '../contract/index.ts';

/** A problem type of the HTTP layer; those of commands are the rows of the failure table. */
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
    'Malformed request',
    'The URL or the framing of the request is not valid HTTP. Correct it and send it again.',
  ),
  'malformed-json': row(
    400,
    'Malformed JSON',
    'The body is declared as JSON in UTF-8 but cannot be parsed. Correct it and send it again.',
  ),
  'invalid-input': row(
    400,
    'Invalid input',
    '`issues` lists every problem with its path and what is expected there.',
  ),
  'unknown-strategy': row(
    400,
    'Unknown strategy',
    'The Lock-Strategy header names no strategy of this service; `names` lists the known ones.',
  ),
  'unknown-variant': row(
    400,
    'Unknown variant',
    'The Scenario-Variant header names no variant of this scenario; `names` lists the known ones.',
  ),
  'unknown-scenario': row(
    404,
    'Unknown scenario',
    'The path names no scenario of this service; `names` lists the known ones.',
  ),
  'rollout-refused': row(
    422,
    'The rollout cannot start',
    'This change of strategy is not possible, or not now; `detail` says why. Nothing was changed.',
  ),
  'rollout-in-progress': row(
    409,
    'Another rollout is in progress',
    'There is one rollout per variant at a time. Promote or abort the one that runs, then start the next.',
  ),
  'rollout-moved-on': row(
    409,
    'The rollout has moved on',
    'It was changed while this request was on its way. Read its state and decide again.',
  ),
  'flag-not-found': row(
    404,
    'Flag not found',
    'A flag of this service is a scenario, and there is none with this name.',
  ),
  'no-rollout': row(404, 'No rollout', 'There has been no rollout here yet.'),
  'strategy-assigned': row(
    409,
    'The strategy is assigned',
    'A rollout says which strategy decides which keys of this variant, so no request can choose one. Send it without the header.',
  ),
  'strategy-not-offered': row(
    400,
    'Strategy not available here',
    'The requested strategy does not support this variant, or needs a store that this service does not have; `detail` says which. Choose another.',
  ),
  'admin-token-wrong': row(
    401,
    'Admin token missing or wrong',
    'This route requires the header Authorization: Bearer with the ADMIN_TOKEN of the service.',
  ),
  'admin-disabled': row(
    403,
    'Admin routes are disabled',
    'The service runs without an ADMIN_TOKEN. Its operator has to set one to enable these routes.',
  ),
  'idempotency-key-invalid': row(
    400,
    'Invalid idempotency key',
    'The Idempotency-Key header takes 8 to 200 letters, digits and any of . _ ~ : + / = -, and must not be repeated. A random UUID is a good choice.',
  ),
  'idempotency-not-offered': row(
    400,
    'Idempotency keys are not supported under this strategy',
    'The strategy must take its lock before its first statement, but a key would be stored earlier; `detail` says more. Send the request without the key, or choose another strategy.',
  ),
  'header-not-allowed': row(
    403,
    'Strategy headers are disabled',
    'The headers Lock-Strategy and Scenario-Variant are for lab use and are accepted only with ALLOW_STRATEGY_HEADER=1. Send the request without them.',
  ),
  'route-not-found': row(404, 'Route not found', 'No route has this path; GET / lists all routes.'),
  'not-found': row(404, 'Not found', 'The route exists, but the resource does not. Check the id.'),
  'method-not-allowed': row(
    405,
    'Method not allowed',
    'The path exists but supports other methods; the Allow header lists them.',
  ),
  'request-timeout': row(
    408,
    'Request timeout',
    'The whole request must arrive within 10 s. Nothing happened; send it again.',
  ),
  refused: row(
    409,
    'Refused by the business rule',
    '`reason` says why. Nothing happened, and the same request will be refused again until the state changes.',
  ),
  'idempotency-in-flight': row(
    409,
    'The same command is in flight',
    'A command with this Idempotency-Key is still running. Retry a little later with the same key to get its answer.',
  ),
  'lock-not-taken': row(
    404,
    'No such lock under this strategy',
    'The strategy of this service takes no lock of this kind; GET /admin/locks/:key shows those that it takes.',
  ),
  'lock-holder-changed': row(
    409,
    'The holder has changed',
    'Somebody else holds the lock by now, and nothing was done; `locks` shows who. Look again before you end that hold as well.',
  ),
  'body-too-large': row(413, 'Body too large', 'The limit is 64 kB. Send a smaller body.'),
  'unsupported-media-type': row(
    415,
    'Unsupported media type',
    'The body must be application/json in UTF-8, without a content encoding.',
  ),
  'idempotency-key-reused': row(
    422,
    'Idempotency key reused',
    'This Idempotency-Key was used with a different payload or on another route. Nothing happened; send a new command with a new key.',
  ),
  'headers-too-large': row(
    431,
    'Headers too large',
    'The limit for all headers together is 16 kB. Send fewer or shorter ones.',
  ),
  'scenario-not-offered': row(
    501,
    'Operation not available under this strategy',
    'The strategy of this service cannot run this operation; `detail` says why. Its operator has to choose another.',
  ),
  'not-ready': row(
    503,
    'Not ready',
    'A required store does not respond or refuses what commands need, or the process is stopping. `checks` says which and why; `unreachable` and `stopping` aside, each value is a problem type.',
  ),
  'too-many-connections': row(
    503,
    'Too many connections',
    'This process has as many connections open as it may. Nothing happened; try again a little later, and keep connections open instead of making new ones.',
  ),
  'lock-store-unavailable': row(
    503,
    'The lock store did not say',
    'It is not known whether the lock was released. Look at it again with GET /admin/locks/:key, and repeat the request if the holder is still the same.',
  ),
  'metrics-unavailable': row(
    503,
    'Metrics are unavailable',
    'The primary process, which adds up the metrics of all processes, did not respond in time. Try again.',
  ),
} as const satisfies Record<string, ProblemRow>;

export type EdgeProblemCode = keyof typeof edgeProblems;

/** Every problem code that a response can carry. */
export type ProblemCode = EdgeProblemCode | FailureCode;

/** The documentation of one problem type, as served. */
export interface ProblemPage extends ProblemRow {
  readonly type: string;
  readonly code: string;
  /** For failures of commands: how the command ended. */
  readonly outcome?: string;
  /** False where the effect may have happened. */
  readonly definite?: boolean;
}

/** The URI of a problem type, relative to the service. */
export const typeOf = (code: ProblemCode): string => `/problems/${code}`;

/** The row of a code. */
export function problemRow(code: ProblemCode): ProblemRow {
  return isFailureCode(code) ? failures[code] : edgeProblems[code];
}

/** The documentation of one problem type; undefined if the code is unknown. */
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
