import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openApiFile, openApiText } from '../../bench/report/openapi.ts';
import { failures } from '../../src/contract/index.ts';
import { loadRegistry, ownFolders, type Registry } from '../../src/engine/registry.ts';
import type { ChoiceOptions } from '../../src/http/choice.ts';
import { apiVersion, openApiDocument } from '../../src/http/openapi/document.ts';
import { documentedExamples } from '../../src/http/openapi/examples.ts';
import { documentPath } from '../../src/http/openapi/operation.ts';
import { edgeProblems } from '../../src/http/problems.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { root } from '../house/sources.ts';
import { testServers } from '../servers.ts';
import { openEdge } from './edge.ts';
import { ask } from './requests.ts';

const registry = await loadRegistry();
const nodes = testServers().redisNodeUrls.join(','); // with every store, as it is committed
const lab = await openEdge({
  ...{ ALLOW_STRATEGY_HEADER: '1', REDIS_NODES: nodes, ROLLOUTS: '1' },
  ADMIN_TOKEN: 'nobody can guess this',
});
const all = { rollouts: true };
const plain = await openEdge();

interface Operation {
  readonly parameters?: readonly { readonly name?: string; readonly $ref?: string }[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

/** With the responses in place of the references to them. */
function pathsOf(document: object): Record<string, Record<string, Operation>> {
  const { components } = JSON.parse(JSON.stringify(document));
  const { paths } = JSON.parse(JSON.stringify(document), (_name, value) => {
    const [, name] = /^#\/components\/responses\/(.*)/.exec(value?.$ref ?? '') ?? [];
    return name === undefined ? value : components.responses[name];
  });
  return paths;
}

const operationsOf = (document: object): readonly (readonly [string, Operation])[] =>
  Object.entries(pathsOf(document)).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => [`${method} ${path}`, one] as const),
  );

function choice(strategyName: string, registered: Registry = registry): ChoiceOptions {
  const found = strategyNamed(registered, strategyName);
  if (!('strategy' in found)) throw new Error(`there is no ${strategyName}`);
  const { strategy } = found;
  return { registry: registered, strategy, headersAllowed: false, missing: () => undefined };
}

describe('the document', () => {
  it('is committed as `npm run dev:openapi` writes it', async () => {
    expect(await readFile(join(root, openApiFile), 'utf8')).toBe(await openApiText());
  });

  it('is served, with the headers that the service takes', async () => {
    const served = await ask(`${lab.url}/openapi.json`);
    expect(served.headers['content-type']).toBe('application/json; charset=utf-8');
    expect(served.body).toEqual(JSON.parse(await openApiText()));
    const closed = await ask(`${plain.url}/openapi.json`);
    expect(closed.text).not.toContain('Scenario-Variant"');
    expect(closed.text).toContain('/problems/header-not-allowed');
    expect(closed.text).toContain('#/components/parameters/Idempotency-Key');
    expect(closed.text).not.toContain('/admin/rollouts');
  });

  it('has the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(apiVersion).toBe(version);
  });

  it('has every route of the service, and no other', () => {
    const mounted = lab.app.router.stack.flatMap(({ route }) =>
      (route?.stack ?? []).flatMap(({ method }) =>
        method ? [`${method} ${documentPath(route?.path ?? '')}`] : [],
      ),
    );
    const documented = operationsOf(openApiDocument(choice('row-lock'), all)).map(([name]) => name);
    expect(documented.toSorted()).toEqual([...new Set(mounted)].toSorted());
  });

  it('has every problem type, with its status, except those that no route answers', async () => {
    const said = operationsOf(JSON.parse(await openApiText())).flatMap(([, { responses }]) =>
      Object.entries(responses).flatMap(([status, { description }]) =>
        [...description.matchAll(/^- `([a-z-]+)`/gm)].map(([, code]) => `${status} ${code}`),
      ),
    );
    const closed = operationsOf(openApiDocument(choice('row-lock'), all)).flatMap(([, one]) =>
      Object.values(one.responses).map(({ description }) => description),
    );
    expect(closed.join('\n')).toContain('`header-not-allowed`');
    const elsewhere = ['route-not-found', 'method-not-allowed'];
    const byConfiguration = ['header-not-allowed', 'scenario-not-offered'];
    const known = Object.entries({ ...edgeProblems, ...failures })
      .filter(([code]) => ![...elsewhere, ...byConfiguration].includes(code))
      .map(([code, { status }]) => `${status} ${code}`);
    expect([...new Set(said)].toSorted()).toEqual(known.toSorted());
  });

  it('offers an Idempotency-Key on contended routes, where the strategy takes one', () => {
    const keyed = (strategy: string): readonly string[] =>
      operationsOf(openApiDocument(choice(strategy), all))
        .filter(([, { parameters = [] }]) =>
          parameters.some(({ $ref = '' }) => $ref.endsWith('/Idempotency-Key')),
        )
        .map(([name]) => name);
    const contended = [...registry.scenarios.values()].flatMap(({ registered: { variants } }) =>
      Object.values(variants).map(({ path }) => `post ${documentPath(path)}`),
    );
    expect(keyed('row-lock').toSorted()).toEqual([...new Set(contended)].toSorted());
    // locks the table before its first statement, which a key would be
    expect(keyed('both:serializable+table-lock')).toEqual([]);
  });

  it('says where the strategy of the service cannot run an operation', () => {
    const document = openApiDocument(choice('exclusion-constraint'), all);
    const refused = operationsOf(document).filter(([, { responses }]) => '501' in responses);
    expect(refused.map(([name]) => name)).toContain('post /gift-cards/{id}/debits');
    expect(refused.map(([name]) => name)).not.toContain('post /therapists/{id}/visits');
  });
});

describe('a scenario that is added as a folder', () => {
  let folder = '';
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('appears by itself', async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-openapi-'));
    const copy = join(folder, 'scenarios', 'massage');
    await mkdir(join(folder, 'scenarios'));
    await cp(join(ownFolders.scenarios, 'gift-card'), copy, { recursive: true });
    const own = JSON.stringify(join(ownFolders.scenarios, 'gift-card', 'index.ts'));
    await writeFile(
      join(copy, 'index.ts'),
      `import card from ${own};
      const { plain } = card.variants;
      export default {
        ...card, path: '/massages/:id/accept',
        variants: { plain: { ...plain, path: '/massages/:id/accept' } },
        routes: card.routes.map(route => ({ ...route, path: '/massages' + route.path })),
      };`,
    );
    const folders = { strategies: ownFolders.strategies, scenarios: join(folder, 'scenarios') };
    const document = openApiDocument(choice('row-lock', await loadRegistry([], folders)), all);
    const paths = pathsOf(document);
    expect(Object.keys(paths).slice(0, 3)).toEqual([
      '/massages/{id}/accept',
      '/massages/gift-cards',
      '/massages/gift-cards/{id}',
    ]);
    expect(paths['/massages/{id}/accept']?.post?.responses['409']?.description).toContain(
      'reason `used up`',
    );
  });
});

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const withoutIds = (answer: object): unknown =>
  JSON.parse(JSON.stringify(answer).replace(uuid, 'an id of its own'));

describe('the examples', () => {
  it.each([...registry.scenarios.values()])('of $name are true', async ({ registered }) => {
    const { url } = await openEdge();
    const examples = documentedExamples(registered);
    expect(examples.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 201, 409]));
    for (const { method, url: path, body, status, answer } of examples) {
      const sent = { method: method.toUpperCase(), ...(body && { body }) };
      const reply = await ask(`${url}${path}`, sent);
      const got = { path, status: reply.status, answer: withoutIds(reply.body) };
      expect(got).toEqual({ path, status, answer: withoutIds(answer) });
    }
  });
});

describe('the refusals', () => {
  it.each([...registry.scenarios.values()])('of $name are those of its rules', async one => {
    const files = (await readdir(one.folder)).filter(name => name.endsWith('.ts'));
    const texts = await Promise.all(files.map(name => readFile(join(one.folder, name), 'utf8')));
    const inRules = texts.flatMap(text =>
      [...text.matchAll(/refused: '([^']+)'(?! \} \},)/g)].map(([, reason = '']) => reason),
    );
    const declared = Object.values(one.registered.variants).flatMap(({ form }) =>
      Object.keys(form.refusals),
    );
    expect([...new Set(declared)].toSorted()).toEqual([...new Set(inRules)].toSorted());
  });
});
