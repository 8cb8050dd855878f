import { z } from 'zod';
import { type FailureCode, failures, isFailureCode } from '../../contract/index.ts';
import { edgeProblems, type ProblemCode, problemRow, typeOf } from '../problems.ts';
import { lockState } from './lock-state.ts';
import { answeredSchema, type JsonSchema } from './schemas.ts';

const texts = z.array(z.string());
/** What OFREP wants beside a problem. */
const evaluationFailure = {
  key: z.string().optional(),
  errorCode: z.enum(['PARSE_ERROR', 'TARGETING_KEY_MISSING', 'INVALID_CONTEXT', 'FLAG_NOT_FOUND']),
  errorDetails: z.string(),
};
const ofEvaluation = z.object(evaluationFailure).partial().shape;
const requestId = z.string();

/** What some problem types tell beside the standard members. */
const members: { readonly [code in ProblemCode]?: z.ZodRawShape } = {
  'lock-holder-changed': { locks: z.array(lockState) },
  'invalid-input': {
    issues: z.array(z.strictObject({ path: z.string(), message: z.string() })),
    ...ofEvaluation,
  },
  'flag-not-found': evaluationFailure,
  'malformed-json': ofEvaluation,
  'body-too-large': ofEvaluation,
  'unsupported-media-type': ofEvaluation,
  'unknown-scenario': { names: texts },
  'unknown-strategy': { names: texts },
  'unknown-variant': { names: texts },
  'not-ready': {
    checks: z.record(z.string(), z.string()),
    warnings: texts.optional(),
  },
  // answered before there is a request that could have an id
  'malformed-request': { requestId: requestId.optional() },
  'request-timeout': { requestId: requestId.optional() },
  'headers-too-large': { requestId: requestId.optional() },
};

/** What every end of a command tells. */
export const endMembers = {
  key: z.string().describe('The id of what was contended for.'),
  commandId: z
    .uuid()
    .describe(
      'Written with every effect. With `Idempotent-Replayed` it is that of the first command.',
    ),
  attempts: z.int().min(0),
};

/** A problem that is no end of a command. */
export function problemSchema(code: ProblemCode): JsonSchema {
  return described(code, { requestId, ...members[code] });
}

/** A command that did not come to be accepted. */
export function endSchema(code: FailureCode | 'refused', reasons: readonly string[]): JsonSchema {
  const own = isFailureCode(code)
    ? { outcome: z.literal(failures[code].outcome) }
    : { outcome: z.literal('refused'), reason: z.enum(reasons) };
  return described(code, { ...own, ...endMembers, requestId });
}

function described(code: ProblemCode, more: z.ZodRawShape): JsonSchema {
  const { status, title, meaning } = problemRow(code);
  const shape = {
    type: z.literal(typeOf(code)),
    title: z.literal(title),
    status: z.literal(status),
    detail: z.string(),
    ...more,
  };
  return answeredSchema(z.strictObject(shape).describe(meaning));
}

/** Every problem code, in the order of the tables. */
export const problemCodes: readonly ProblemCode[] = [
  ...Object.keys(edgeProblems),
  ...Object.keys(failures),
].filter(isProblemCode);

function isProblemCode(code: string): code is ProblemCode {
  return isFailureCode(code) || Object.hasOwn(edgeProblems, code);
}
