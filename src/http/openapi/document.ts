import type { ChoiceOptions } from '../choice.ts';
import { type Described, documentPath, operation, responsesOf } from './operation.ts';
import { headers, problemComponents } from './responses.ts';
import { rolloutOperations } from './rollout-operations.ts';
import { acceptedSchema, keyParameter, scenarioOperations } from './scenario-operations.ts';
import type { JsonSchema } from './schemas.ts';
import { adminOperations, serviceOperations } from './service-operations.ts';
import { SharedResponses } from './shared-responses.ts';

/** Of the interface; a test holds it against the package's. */
export const apiVersion = '0.1.0';

const description = `A booking API whose contended operations run under any locking strategy.

An accepted command is answered with 201. Everything else is a problem (RFC 9457), whose \`type\`
leads to its description. 409 is a refusal of the business, 503 says that nothing happened, 504 that
it may have happened. How to book, and what to do after each answer: docs/api.md.`;

/**
 * The OpenAPI 3.1 document of a service, derived from the registry and from the tables of problems:
 * no scenario or strategy is known by name here. The headers that choose a strategy are in it only
 * where the service takes them, and so are the Idempotency-Key and what is there with rollouts alone.
 */
export function openApiDocument(
  choice: ChoiceOptions,
  { rollouts }: { readonly rollouts: boolean },
): JsonSchema {
  const scenarios = [...choice.registry.scenarios.values()];
  const described = [
    ...scenarios.flatMap(scenario => scenarioOperations(scenario, choice)),
    ...serviceOperations(),
    ...adminOperations(choice),
    ...(rollouts ? rolloutOperations(choice) : []),
  ];
  const shared = new SharedResponses();
  for (const one of described)
    for (const response of Object.values(responsesOf(one))) shared.count(response);
  const paths = pathsOf(described, shared);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Lockstep',
      version: apiVersion,
      description,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [
      ...scenarios.map(({ name, registered }) => ({ name, description: registered.title })),
      { name: 'service', description: 'Probes, metrics and documentation' },
      { name: 'admin', description: 'For whoever holds the ADMIN_TOKEN' },
    ],
    paths,
    components: {
      securitySchemes: { admin: { type: 'http', scheme: 'bearer' } },
      parameters: { 'Idempotency-Key': keyParameter },
      headers,
      responses: shared.components,
      schemas: { accepted: acceptedSchema, ...problemComponents() },
    },
  };
}

function pathsOf(described: readonly Described[], shared: SharedResponses): JsonSchema {
  const paths: Record<string, JsonSchema> = {};
  for (const one of described) {
    const path = documentPath(one.path);
    paths[path] = { ...paths[path], [one.method]: operation(one, shared) };
  }
  return paths;
}
