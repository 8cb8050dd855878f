import { isFailureCode } from '../../contract/index.ts';
import { type ProblemCode, problemRow } from '../problems.ts';
import { applies, type Facts } from './applies.ts';
import { endSchema, problemCodes, problemSchema } from './problem-schemas.ts';
import { type JsonSchema, ref } from './schemas.ts';

/** Headers of responses, by their names. */
export const headers = {
  'X-Request-Id': {
    description: "The caller's own, or a new one; the log has it.",
    schema: { type: 'string' },
  },
  'Lock-Strategy': {
    description: 'The strategy that the command ran under.',
    schema: { type: 'string' },
  },
  'Idempotent-Replayed': {
    description: 'The answer is that of the first command with this Idempotency-Key.',
    schema: { const: 'true' },
  },
  'Retry-After': {
    description: 'Seconds after which to ask again.',
    required: true,
    schema: { type: 'integer', minimum: 0 },
  },
  'WWW-Authenticate': { required: true, schema: { const: 'Bearer' } },
} as const;

type HeaderName = keyof typeof headers;

/** References to headers, as a response holds them. */
export const headerRefs = (...names: readonly HeaderName[]): JsonSchema =>
  Object.fromEntries(names.map(name => [name, ref('headers', name)]));

/** Schemas of all problems: as they are, and as the end of a command. */
export function problemComponents(): JsonSchema {
  const named = problemCodes.map(code => [`problem-${code}`, problemSchema(code)] as const);
  const ends = problemCodes
    .filter(isFailureCode)
    .map(code => [`end-${code}`, endSchema(code, [])] as const);
  return Object.fromEntries([...named.filter(([name]) => name !== 'problem-refused'), ...ends]);
}

/**
 * The problems that an operation may answer, by status. What the rule may refuse, for a contended
 * route: its reasons with their meaning.
 */
export function problemResponses(
  facts: Facts,
  refusals: Readonly<Record<string, string>> = {},
): Readonly<Record<string, JsonSchema>> {
  const codes = problemCodes.filter(code => applies(code, facts));
  const statuses = [...new Set(codes.map(code => problemRow(code).status))].sort();
  return Object.fromEntries(
    statuses.map(status => {
      const here = codes.filter(code => problemRow(code).status === status);
      return [String(status), problemResponse(status, here, facts, refusals)];
    }),
  );
}

function problemResponse(
  status: number,
  codes: readonly ProblemCode[],
  { command = false, keyed = false }: Facts,
  refusals: Readonly<Record<string, string>>,
): JsonSchema {
  const schemas = codes.flatMap(code => {
    if (code === 'refused') return [endSchema(code, Object.keys(refusals))];
    const problem = ref('schemas', `problem-${code}`);
    if (!command || !isFailureCode(code)) return [problem];
    const end = ref('schemas', `end-${code}`);
    // it may come before there is a command
    return code === 'internal-error' ? [end, problem] : [end];
  });
  const replayed = keyed && (status === 409 || status === 504);
  const framed = !beforeRequests.includes(status);
  const told = headerRefs(
    ...(framed ? (['X-Request-Id'] as const) : []),
    ...(framed && command ? (['Lock-Strategy'] as const) : []),
    ...(replayed ? (['Idempotent-Replayed'] as const) : []),
    ...(status === 503 ? (['Retry-After'] as const) : []),
    ...(status === 401 ? (['WWW-Authenticate'] as const) : []),
  );
  const [only] = schemas;
  return {
    description: [...codes.map(lineOf), ...Object.entries(refusals).flatMap(reasonIn(codes))].join(
      '\n',
    ),
    headers: told,
    content: {
      'application/problem+json': { schema: schemas.length === 1 ? only : { oneOf: schemas } },
    },
  };
}

/** Of answers to what has not become a request. */
const beforeRequests: readonly number[] = [408, 431];

const lineOf = (code: ProblemCode): string => `- \`${code}\`: ${problemRow(code).title}`;

const reasonIn =
  (codes: readonly ProblemCode[]) =>
  ([reason, meaning]: readonly [string, string]): readonly string[] =>
    codes.includes('refused') ? [`  - reason \`${reason}\`: ${meaning}`] : [];
