import type { z } from 'zod';
import type { Facts } from './applies.ts';
import { problemResponses } from './responses.ts';
import { type JsonSchema, membersOf, sentSchema } from './schemas.ts';
import type { SharedResponses } from './shared-responses.ts';

/** What an operation of the document is made from. */
export interface Described {
  readonly method: 'get' | 'post' | 'put';
  /** As Express takes it. */
  readonly path: string;
  readonly title: string;
  readonly tag: string;
  readonly description?: string;
  readonly params?: z.ZodType | undefined;
  /** What stands for a parameter of the path in the document's examples, by name. */
  readonly paramExamples?: Readonly<Record<string, string>> | undefined;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType | undefined;
  readonly bodyExamples?: Readonly<Record<string, { readonly value: object }>>;
  /** References to further parameters. */
  readonly headers?: readonly JsonSchema[];
  /** What is answered where there is no problem, by status. */
  readonly answers: Readonly<Record<string, JsonSchema>>;
  readonly facts: Facts;
  /** Of the rule behind it, with their meaning. */
  readonly refusals?: Readonly<Record<string, string>>;
}

export const documentPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}');

/** Everything that an operation may answer, by status. */
export function responsesOf(described: Described): Readonly<Record<string, JsonSchema>> {
  const { method, params, query, body, facts, answers, refusals = {} } = described;
  const input = [params, query, body].some(schema => schema !== undefined);
  const answered = { body: method !== 'get', input, ...facts };
  return { ...answers, ...problemResponses(answered, refusals) };
}

/** Throws if a parameter of the path has no schema: it would be missing in the document. */
export function operation(described: Described, shared: SharedResponses): JsonSchema {
  const { method, path, title, tag, description, body, facts } = described;
  const kind = facts.command ? 'command' : facts.admin ? 'admin' : method;
  const parameters = parametersOf(described);
  return {
    operationId: operationIdOf(method, path),
    tags: [tag],
    summary: title,
    ...(description && { description }),
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: requestBodyOf(body, described.bodyExamples) }),
    responses: Object.fromEntries(
      Object.entries(responsesOf(described)).map(([status, response]) => [
        status,
        shared.placed(response, `${kind}-${status}`),
      ]),
    ),
    ...(facts.admin && { security: [{ admin: [] }] }),
  };
}

/** What a client generator makes a name of: `postGiftCardsIdDebits`. */
export function operationIdOf(method: string, path: string): string {
  const words = path.split(/[^a-zA-Z0-9]+/).filter(word => word !== '');
  const named = words.length > 0 ? words : ['index'];
  return method + named.map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function parametersOf(described: Described): readonly JsonSchema[] {
  const { path, params, paramExamples = {}, query, headers = [] } = described;
  const known = membersOf(params);
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    const found = known.find(member => member.name === name);
    if (!found) throw new Error(`${path}: the schema of its parameters lacks '${name}'`);
    const example = paramExamples[name];
    return {
      ...{ name, in: 'path', required: true, schema: found.schema },
      ...(example !== undefined && { example }),
    };
  });
  const inQuery = membersOf(query).map(({ name, required, schema }) => ({
    ...{ name, in: 'query', required, schema },
  }));
  return [...inPath, ...inQuery, ...headers];
}

function requestBodyOf(body: z.ZodType, examples: Described['bodyExamples'] = {}): JsonSchema {
  return {
    required: !body.safeParse(undefined).success,
    content: {
      'application/json': {
        schema: sentSchema(body),
        ...(Object.keys(examples).length > 0 && { examples }),
      },
    },
  };
}
