/**
 * OpenFeature's remote evaluation (OFREP): an application asks which strategy serves a key. It is told what
 * this process has heard, which may be old a moment later; only the proof of the epoch guarantees anything.
 */
import type { Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { RegisteredScenario } from '../engine/registry.ts';
import { gateOf } from '../rollout/assignment-schema.ts';
import type { Assigned } from '../rollout/assignments.ts';
import { answer, Problem } from './answer.ts';
import { readBody } from './body.ts';
import type { ChoiceOptions } from './choice.ts';

/** What the evaluation needs. */
export interface EvaluationParts {
  readonly choice: ChoiceOptions;
  /** What this process believes of keys. */
  readonly believed: (scenario: string, variant: string, keys: readonly string[]) => Assigned;
}

const keyMax = 300;

/** What is asked: the resource key, such as `gift_cards/42`, and the variant if it is not the first. */
export const evaluationBody = z.looseObject({
  context: z.looseObject({
    targetingKey: z.string().min(1).max(keyMax),
    variant: z.string().min(1).max(keyMax).optional(),
  }),
});

/** A flag is a scenario. */
export const flagParams = z.object({ flag: z.string() });

/** `POST /ofrep/v1/evaluate/flags/:flag` */
export function evaluateFlag(parts: EvaluationParts): RequestHandler {
  return async (request, response) => {
    const key = String(request.params.flag);
    const { targetingKey, variant } = await contextOf(request, response, { key });
    const scenario = parts.choice.registry.scenarios.get(key);
    if (!scenario) throw flagMissing(key, [...parts.choice.registry.scenarios.keys()]);
    answer(response, 200, evaluation(parts, scenario, targetingKey, variant));
  };
}

/** `POST /ofrep/v1/evaluate/flags`: all scenarios, each by its first variant. */
export function evaluateFlags(parts: EvaluationParts): RequestHandler {
  return async (request, response) => {
    const { targetingKey } = await contextOf(request, response, {});
    const scenarios = [...parts.choice.registry.scenarios.values()];
    answer(response, 200, { flags: scenarios.map(one => evaluation(parts, one, targetingKey)) });
  };
}

function evaluation(
  { choice, believed }: EvaluationParts,
  { name, registered: { variants } }: RegisteredScenario,
  targetingKey: string,
  asked?: string,
): object {
  const variant = asked ?? Object.keys(variants)[0] ?? '';
  if (!Object.hasOwn(variants, variant))
    throw new Problem('invalid-input', undefined, {
      issues: [{ path: 'context.variant', message: `${name} has no variant '${variant}'` }],
      ...failure(name, 'INVALID_CONTEXT', `${name} has no variant '${variant}'`),
    });
  const place = { scenario: name, variant };
  const { groups, epochs, strategies } = believed(name, variant, [targetingKey]);
  const [group = 0] = groups;
  const [epoch = 0n] = epochs;
  const [assigned] = strategies;
  const strategy = assigned ?? choice.strategy.name;
  const gate = assigned ? gateOf(place, group, epoch) : gateOf(place);
  return {
    ...{ key: name, value: strategy, variant: strategy },
    reason: assigned ? 'SPLIT' : 'STATIC',
    // what proves it, as the first statement of a transaction
    metadata: { group, epoch: String(epoch), proof: `lock table ${gate} in access share mode` },
  };
}

/** Every failure is a problem, as everywhere, and has the members that OFREP wants beside it. */
const failure = (key: string | undefined, errorCode: string, errorDetails: string) => ({
  ...(key !== undefined && { key }),
  ...{ errorCode, errorDetails },
});

function flagMissing(key: string, names: readonly string[]): Problem {
  const details = `A flag is a scenario: ${names.join(', ')}.`;
  return new Problem('flag-not-found', details, failure(key, 'FLAG_NOT_FOUND', details));
}

async function contextOf(
  request: Request,
  response: Response,
  { key }: { readonly key?: string },
): Promise<z.infer<typeof evaluationBody>['context']> {
  const body = await readBody(request, response).catch((error: unknown) => {
    if (!(error instanceof Problem)) throw error;
    const { code, detail, message, members } = error;
    throw new Problem(code, detail, { ...members, ...failure(key, 'PARSE_ERROR', message) });
  });
  const read = evaluationBody.safeParse(body);
  if (read.success) return read.data.context;
  const issues = read.error.issues.map(({ path, message }) => ({
    path: path.map(String).join('.') || 'body',
    message,
  }));
  const missing = issues.some(({ path }) => path !== 'context.variant');
  const code = missing ? 'TARGETING_KEY_MISSING' : 'INVALID_CONTEXT';
  const says = missing
    ? 'context.targetingKey has to be a resource key, such as gift_cards/42'
    : 'the variant is no name';
  throw new Problem('invalid-input', undefined, { issues, ...failure(key, code, says) });
}
