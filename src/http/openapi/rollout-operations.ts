import { z } from 'zod';
import { gateShape } from '../../rollout/gate/settings.ts';
import { verdictNames } from '../../rollout/gate/verdict.ts';
import { stepsShape } from '../../rollout/rollouts.ts';
import type { ChoiceOptions } from '../choice.ts';
import { evaluationBody, flagParams } from '../ofrep.ts';
import { acted, actionNames, begun, ofVariant } from '../rollouts.ts';
import type { Described } from './operation.ts';
import { headerRefs } from './responses.ts';
import { answeredSchema } from './schemas.ts';

const time = z.iso.datetime();

const insider = z.strictObject({
  ...{ pid: z.int(), application: z.string(), state: z.string() },
  insideMs: z.number().nullable(),
});

const judged = {
  verdict: z.enum(verdictNames),
  reasons: z.array(
    z.strictObject({
      criterion: z.enum(['violations', 'exposure', 'comparison', 'gate']),
      verdict: z.enum(verdictNames),
      says: z.string(),
      evidence: z.string().optional(),
    }),
  ),
};

const whole = z.int().min(0);
const ms = z.number().nullable();
const arm = z.strictObject({
  ...{ commands: whole, drawn: whole, busy: whole, failed: whole, unknown: whole },
  ...{ contested: whole, audited: whole, clean: whole },
  tries: z.record(z.string(), whole),
  ...{ p50Ms: ms, p95Ms: ms, p99Ms: ms },
});

const verdict = z.strictObject({
  ...{ scenario: z.string(), variant: z.string(), from: z.string(), to: z.string() },
  stage: z.enum(['progressing', 'paused', 'aborting', 'healthy', 'aborted']),
  ...{ weight: z.int().min(0).max(100), shadow: z.int().min(0).max(100) },
  ...judged,
  at: time.nullable(),
  arms: z.strictObject({ old: arm, new: arm, shadow: arm }).partial(),
});

const shown = z.strictObject({
  ...{
    id: z.string(),
    scenario: z.string(),
    variant: z.string(),
    from: z.string(),
    to: z.string(),
  },
  steps: stepsShape,
  step: z.int().min(0),
  weight: z.int().min(0).max(100),
  shadow: z.int().min(0).max(100),
  stage: z.enum(['progressing', 'paused', 'aborting', 'healthy', 'aborted']),
  gate: gateShape,
  waived: z.boolean(),
  heldSince: time.nullable(),
  ...judged,
  behind: z.array(
    z.strictObject({
      ...{ id: z.string(), runsAt: z.string().nullable(), strategy: z.string() },
      silentSeconds: z.number().nullable(),
    }),
  ),
  pauseUntil: time.nullable(),
  failed: z.string().nullable(),
  blocked: z
    .array(
      z.strictObject({
        group: z.int().nullable(),
        by: z.array(insider),
        because: z.string().optional(),
      }),
    )
    .nullable(),
  startedAt: time,
  log: z.array(z.strictObject({ at: time, who: z.string(), action: z.string(), why: z.string() })),
});

const evaluated = z.strictObject({
  ...{ key: z.string(), value: z.string(), variant: z.string() },
  reason: z.enum(['SPLIT', 'STATIC']),
  metadata: z.strictObject({ group: z.int(), epoch: z.string(), proof: z.string() }),
});

const answers = (
  schema: z.ZodType,
  ...told: readonly (readonly [status: string, description: string])[]
): Described['answers'] =>
  Object.fromEntries(
    told.map(([status, description]) => [
      status,
      {
        description,
        headers: headerRefs('X-Request-Id'),
        content: { 'application/json': { schema: answeredSchema(schema) } },
      },
    ]),
  );

const path = '/admin/rollouts/:scenario';
const titles: Readonly<Record<string, string>> = {
  pause: 'Keep a rollout where it is',
  resume: 'Let a paused rollout go on',
  promote: 'Give all keys to the new strategy, whatever steps are left',
  abort: 'Give all keys back to the old strategy',
};

/** The operations of rollouts: those of whoever holds the ADMIN_TOKEN, and the evaluation for everybody. */
export function rolloutOperations({ registry }: ChoiceOptions): readonly Described[] {
  const params = z.object({ scenario: z.enum([...registry.scenarios.keys()]) });
  const facts = { admin: true, store: true } as const;
  const known = ['unknown-scenario', 'no-rollout'] as const;
  const admin = { tag: 'admin', params };
  return [
    {
      ...admin,
      method: 'get',
      path,
      query: ofVariant,
      title: 'The rollout that runs, or the last one',
      answers: answers(shown, ['200', 'It, with its log']),
      facts: { ...facts, own: known },
    },
    {
      ...admin,
      method: 'put',
      path,
      body: begun,
      title: 'Start a rollout: move keys from one strategy to another',
      description: 'The same again answers with the one that runs. See docs/rollout.md.',
      answers: answers(shown, ['200', 'It runs already'], ['201', 'It has begun']),
      facts: {
        ...facts,
        own: [
          ...(['unknown-scenario', 'unknown-variant', 'unknown-strategy'] as const),
          ...(['rollout-refused', 'rollout-in-progress'] as const),
        ],
      },
    },
    ...actionNames.map(
      (name): Described => ({
        ...admin,
        method: 'post',
        path: `${path}/${name}`,
        body: acted,
        title: titles[name] ?? name,
        description: 'Repeated, it answers as the first time.',
        answers: answers(shown, ['200', 'The rollout as it is now']),
        facts: { ...facts, own: [...known, 'rollout-moved-on'] },
      }),
    ),
    {
      method: 'get',
      path: '/rollouts/:scenario/verdict',
      tag: 'service',
      ...{ params, query: ofVariant },
      title: 'What the gate of a rollout says',
      description:
        'Failed: a violation, or evidence that the new strategy is worse. Inconclusive: too little was seen. ' +
        'See docs/rollout.md.',
      answers: answers(verdict, ['200', 'The verdict, with its reasons and what was counted']),
      facts: { store: true, own: known },
    },
    ...evaluations([...registry.scenarios.keys()][0] ?? ''),
  ];
}

const evaluations = (example: string): readonly Described[] => [
  {
    method: 'post',
    path: '/ofrep/v1/evaluate/flags/:flag',
    tag: 'service',
    title: 'Which strategy serves a key, for OpenFeature (OFREP)',
    description:
      'As far as this process has heard: it may be old a moment later. Only the proof in its metadata, as the ' +
      'first statement of the transaction that decides, guarantees that the key is decided under it.',
    params: flagParams,
    paramExamples: { flag: example },
    body: evaluationBody,
    answers: answers(evaluated, ['200', 'The strategy']),
    facts: { own: ['flag-not-found'] },
  },
  {
    method: 'post',
    path: '/ofrep/v1/evaluate/flags',
    tag: 'service',
    title: 'The same for every scenario',
    body: evaluationBody,
    answers: answers(z.strictObject({ flags: z.array(evaluated) }), ['200', 'The strategies']),
    facts: {},
  },
];
