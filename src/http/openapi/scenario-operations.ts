import { z } from 'zod';
import type { Registered, Route } from '../../contract/index.ts';
import { reasonAgainstKey } from '../../engine/idempotency.ts';
import type { RegisteredScenario } from '../../engine/registry.ts';
import { type ChoiceOptions, reasonAgainst } from '../choice.ts';
import { type ContendedRoute, contendedRoutes } from '../routes.ts';
import type { Facts } from './applies.ts';
import { answerExamples, bodyExamples } from './examples.ts';
import { type Described, operationIdOf } from './operation.ts';
import { endMembers } from './problem-schemas.ts';
import { headerRefs } from './responses.ts';
import { answeredSchema, type JsonSchema, ref } from './schemas.ts';

/** The body of every command's acceptance. */
export const acceptedSchema = answeredSchema(
  z
    .strictObject({
      outcome: z.literal('accepted'),
      id: z.string().describe('The id of what was made.'),
      ...endMembers,
    })
    .describe('The command took effect, and its transaction is committed.'),
);

/** The operations of a scenario: the contended ones first. */
export function scenarioOperations(
  { name, registered }: RegisteredScenario,
  choice: ChoiceOptions,
): readonly Described[] {
  const commands = contendedRoutes(registered).map(route => command(name, route, choice));
  return [...commands, ...registered.routes.map(route => plain(name, route, registered))];
}

const keyCharacters = '[A-Za-z0-9_.~:+/=-]{8,200}';

/** The Idempotency-Key, for the components. */
export const keyParameter: JsonSchema = {
  ...{ name: 'Idempotency-Key', in: 'header' },
  description:
    'Ideally a random UUID. A command that is sent again with its key is done at most once.',
  schema: {
    anyOf: [
      { type: 'string', format: 'uuid' },
      { type: 'string', pattern: `^(?:${keyCharacters}|"${keyCharacters}")$` },
    ],
  },
};

function command(tag: string, route: ContendedRoute, choice: ChoiceOptions): Described {
  const { path, title, form, variants } = route;
  const { strategy, headersAllowed, missing } = choice;
  const [variant = ''] = Object.keys(variants);
  const facts: Facts = {
    ...{ command: true, store: true, resource: true, choosing: headersAllowed },
    keyed: headersAllowed || reasonAgainstKey(strategy.declared) === undefined,
    notOffered: reasonAgainst({ strategy, variant }, variants, missing) !== undefined,
  };
  return {
    method: 'post',
    path,
    title,
    tag,
    facts,
    description: `One command at a time is decided per key. Variants: ${listOf(variants)}.`,
    params: form.params,
    paramExamples: form.examples[0]?.params,
    body: form.body,
    bodyExamples: bodyExamples(form),
    refusals: form.refusals,
    headers: [
      ...(facts.keyed ? [ref('parameters', 'Idempotency-Key')] : []),
      ...(headersAllowed ? choosingParameters(choice, variants) : []),
    ],
    answers: { '201': accepted(route, facts) },
  };
}

const listOf = (variants: ContendedRoute['variants']): string =>
  Object.entries(variants)
    .map(([name, { title }]) => `\`${name}\` (${title})`)
    .join(', ');

/** For a lab: the strategies that can run one of the variants here, and the variants. */
function choosingParameters(
  { registry, missing }: ChoiceOptions,
  variants: ContendedRoute['variants'],
): readonly JsonSchema[] {
  const names = Object.keys(variants);
  const strategies = [...registry.strategies.values()].filter(strategy =>
    names.some(variant => !reasonAgainst({ strategy, variant }, variants, missing)),
  );
  return [
    {
      ...{ name: 'Lock-Strategy', in: 'header' },
      description:
        'For a lab (ALLOW_STRATEGY_HEADER=1): the strategy that runs this, or two in one transaction.',
      schema: {
        anyOf: [
          { enum: strategies.map(({ name }) => name) },
          { type: 'string', pattern: '^both:[a-z0-9-]+\\+[a-z0-9-]+$' },
        ],
      },
    },
    {
      ...{ name: 'Scenario-Variant', in: 'header' },
      description: 'For a lab: how the rule is written.',
      schema: { enum: names },
    },
  ];
}

function accepted({ form }: ContendedRoute, { keyed = false }: Facts): JsonSchema {
  const replayed = keyed ? (['Idempotent-Replayed'] as const) : [];
  return {
    description: 'Accepted',
    headers: headerRefs('X-Request-Id', 'Lock-Strategy', ...replayed),
    content: {
      'application/json': {
        schema: ref('schemas', 'accepted'),
        examples: answerExamples(form, 201),
      },
    },
  };
}

function plain(tag: string, route: Route, registered: Registered): Described {
  const { method, path, title, params, body, status, answer, example } = route;
  const named = path.includes(':');
  const links = method === 'post' ? linksOf(path, registered) : {};
  return {
    ...{ method, path, title, tag },
    params: named ? params : undefined,
    paramExamples: example.params,
    body,
    bodyExamples: example.body ? { example: { value: example.body } } : {},
    answers: {
      [status]: {
        description: title,
        headers: headerRefs('X-Request-Id'),
        content: {
          'application/json': {
            schema: answeredSchema(answer),
            examples: { example: { value: example.answer } },
          },
        },
        ...(Object.keys(links).length > 0 && { links }),
      },
    },
    facts: { store: true, resource: named },
  };
}

/** What can be done with the thing that a route makes: the operations below its path, by its id. */
function linksOf(path: string, registered: Registered): JsonSchema {
  const contended = contendedRoutes(registered).map(route => ({ method: 'post', ...route }));
  const below = [...contended, ...registered.routes].filter(route =>
    route.path.startsWith(`${path}/:id`),
  );
  return Object.fromEntries(
    below.map(route => {
      const operationId = operationIdOf(route.method, route.path);
      return [operationId, { operationId, parameters: { id: '$response.body#/id' } }];
    }),
  );
}
