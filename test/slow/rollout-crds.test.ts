/** What deploy/progressive has for Argo Rollouts and Flagger, held against their own CRDs. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { root } from '../house/sources.ts';
import { describeWith } from './tools.ts';

const run = promisify(execFile);
const own = (name: string): unknown =>
  parseAllDocuments(readFileSync(join(root, 'deploy', 'progressive', name), 'utf8'))[0]?.toJS();

type Schema = Readonly<Record<string, unknown>>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What the API server would say: a structural schema drops or refuses what it does not name. Knows the
 * words that these two use.
 */
function faultsOf(value: unknown, schema: unknown, at = ''): string[] {
  if (!isSchema(schema)) return [`${at}: no schema`];
  const { type, properties, items, required, additionalProperties: more } = schema;
  if (schema['x-kubernetes-int-or-string'])
    return ['string', 'number'].includes(typeof value) ? [] : [`${at}: neither int nor string`];
  if (Array.isArray(schema.enum) && !schema.enum.includes(value))
    return [`${at}: ${String(value)}`];
  if (type === 'array')
    return Array.isArray(value)
      ? value.flatMap((one, index) => faultsOf(one, items, `${at}[${index}]`))
      : [`${at}: no array`];
  if (type === 'object' || isSchema(properties)) {
    if (!isSchema(value)) return [`${at}: no object`];
    const known = isSchema(properties) ? properties : {};
    const missing = (Array.isArray(required) ? required : []).filter(name => !(name in value));
    return [
      ...missing.map(name => `${at}: ${name} is missing`),
      ...Object.entries(value).flatMap(([name, member]) => {
        if (name in known) return faultsOf(member, known[name], `${at}.${name}`);
        if (isSchema(more)) return faultsOf(member, more, `${at}.${name}`);
        const free = schema['x-kubernetes-preserve-unknown-fields'] === true;
        const open = free || Object.keys(known).length === 0;
        return open ? [] : [`${at}.${name} is unknown`];
      }),
    ];
  }
  const types: Readonly<Record<string, string>> = { integer: 'number', number: 'number' };
  const wanted = types[String(type)] ?? type;
  return wanted === undefined || typeof value === wanted ? [] : [`${at}: no ${String(type)}`];
}

const crd = z.object({
  spec: z.object({
    names: z.object({ kind: z.string() }),
    versions: z.array(
      z.object({ name: z.string(), schema: z.object({ openAPIV3Schema: z.unknown() }) }),
    ),
  }),
});

describeWith('the manifests for progressive delivery', ['go'], async pathOf => {
  /** The schema of a kind, from the module that its controller is built from. */
  async function schemaOf(module: string, file: string, kind: string): Promise<unknown> {
    const { PATH, HOME } = process.env;
    const { stdout } = await run(pathOf('go'), ['mod', 'download', '-json', module], {
      cwd: join(root, 'test', 'slow', 'rollout-crds-go'),
      env: { PATH, HOME },
      timeout: 200_000, // fetched for the first time
    });
    const { Dir } = z.object({ Dir: z.string() }).parse(JSON.parse(stdout));
    const documents = parseAllDocuments(readFileSync(join(Dir, file), 'utf8'));
    const found = documents
      .map(document => crd.parse(document.toJS()))
      .find(({ spec }) => spec.names.kind === kind);
    return found?.spec.versions[0]?.schema.openAPIV3Schema;
  }

  test.each([
    [
      'argo-rollouts.yaml',
      'github.com/argoproj/argo-rollouts',
      'manifests/crds/analysis-template-crd.yaml',
      'AnalysisTemplate',
    ],
    ['flagger.yaml', 'github.com/fluxcd/flagger', 'charts/flagger/crds/crd.yaml', 'MetricTemplate'],
  ])('%s holds against the schema of %s', async (file, module, path, kind) => {
    const schema = await schemaOf(module, path, kind);
    const manifest = own(file);
    expect(manifest).toMatchObject({ kind });
    expect(faultsOf(manifest, schema, kind)).toEqual([]);
    // and the judge sees: a member that the schema does not have, and one of another type
    const wrong = { ...z.looseObject({ spec: z.looseObject({}) }).parse(manifest) };
    expect(faultsOf({ ...wrong, spec: { ...wrong.spec, metric: 1 } }, schema)).not.toEqual([]);
    const [name = ''] = Object.keys(wrong.spec);
    expect(faultsOf({ ...wrong, spec: { ...wrong.spec, [name]: 1 } }, schema)).not.toEqual([]);
  });
});
