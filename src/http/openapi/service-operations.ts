import { z } from 'zod';
import { outcomeKinds } from '../../contract/index.ts';
import { inBody, inQuery } from '../admin.ts';
import type { ChoiceOptions } from '../choice.ts';
import { page } from '../evidence.ts';
import { lockOperations } from './lock-operations.ts';
import type { Described } from './operation.ts';
import { problemCodes } from './problem-schemas.ts';
import { headerRefs } from './responses.ts';
import { answeredSchema } from './schemas.ts';

const texts = z.array(z.string());
const count = z.int().min(0);

const json = (description: string, schema: z.ZodType): Described['answers'] => ({
  '200': {
    description,
    headers: headerRefs('X-Request-Id'),
    content: { 'application/json': { schema: answeredSchema(schema) } },
  },
});

const index = z.strictObject({
  name: z.literal('lockstep'),
  strategy: z.string(),
  strategies: texts.optional(),
  scenarios: z.array(
    z.strictObject({
      name: z.string(),
      title: z.string(),
      variants: texts,
      routes: z.array(
        z.strictObject({
          method: z.enum(['GET', 'POST']),
          path: z.string(),
          title: z.string(),
          contended: z.literal(true).optional(),
        }),
      ),
    }),
  ),
  links: texts,
});

const problemPage = z.strictObject({
  type: z.string(),
  code: z.enum(problemCodes),
  status: z.int(),
  title: z.string(),
  meaning: z.string(),
  outcome: z.enum(outcomeKinds).optional(),
  definite: z.boolean().optional(),
});

const ready = z.strictObject({
  status: z.literal('ready'),
  checks: z.record(z.string(), z.string()),
  warnings: texts.optional(),
});

const audited = z.strictObject({
  openTransactions: count,
  excess: z.record(z.string(), count),
  findings: count,
  keys: count,
  deniedAndThere: count,
  violations: z.array(
    z.strictObject({ key: z.string(), kind: z.string(), excess: count, detail: z.string() }),
  ),
});

const evidence = z.strictObject({
  violations: z.array(
    z.strictObject({
      ...{ id: z.string(), scenario: z.string(), key: z.string(), kind: z.string() },
      ...{ unit: z.int().min(1), strategy: z.string(), detail: z.string() },
      foundAt: z.iso.datetime(),
    }),
  ),
  next: z.string().nullable(),
});

const tag = 'service';
const text = { schema: { type: 'string' } };

/** The operations that belong to no scenario. */
export function serviceOperations(): readonly Described[] {
  const get = (
    path: string,
    title: string,
    answers: Described['answers'],
    more: Partial<Described> = {},
  ): Described => ({ method: 'get', path, title, tag, answers, facts: {}, ...more });
  return [
    get('/', 'List the scenarios and their routes', json('The routes', index)),
    get('/openapi.json', 'This document', json('OpenAPI 3.1', z.record(z.string(), z.unknown()))),
    get(
      '/livez',
      'Whether the process runs',
      json('It does', z.strictObject({ status: z.literal('alive') })),
    ),
    get('/readyz', 'Whether the service can serve', json('It can', ready), {
      facts: { own: ['not-ready'] },
    }),
    get(
      '/metrics',
      'The metrics of all processes, for Prometheus',
      {
        '200': {
          description: 'Text in the format of Prometheus',
          headers: headerRefs('X-Request-Id'),
          content: { 'text/plain': text },
        },
      },
      { facts: { own: ['metrics-unavailable'] } },
    ),
    get(
      '/problems',
      'Every problem type',
      json('The types', z.strictObject({ problems: z.array(problemPage) })),
    ),
    get('/problems/:code', 'One problem type', json('The type', problemPage), {
      params: z.object({ code: z.enum(problemCodes) }),
      facts: { resource: true },
    }),
  ];
}

/** The operations for whoever holds the ADMIN_TOKEN. */
export function adminOperations({ registry }: ChoiceOptions): readonly Described[] {
  const scenario = z.enum([...registry.scenarios.keys()]);
  const shared = { tag: 'admin', facts: { admin: true, store: true } };
  return [
    {
      ...shared,
      method: 'get',
      path: '/admin/violations',
      query: page,
      title: "The live audit's findings, newest first",
      description: '`next` is the `before` of the next page.',
      answers: json('The findings', evidence),
    },
    {
      ...shared,
      method: 'get',
      path: '/admin/audit',
      query: inQuery.extend({ scenario }),
      title: 'Audit the rows of a scenario',
      description: 'Of all keys, unless some are named.',
      answers: json('What the audit found', audited),
    },
    {
      ...shared,
      method: 'post',
      path: '/admin/audit',
      body: inBody.extend({ scenario }),
      title: 'Audit the rows of a scenario against what callers were told',
      answers: json('What the audit found', audited),
    },
    ...lockOperations,
  ];
}
