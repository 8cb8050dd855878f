import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { boards } from '../../grafana/boards/index.ts';
import { readConfig, variableNames } from '../../src/config.ts';
import { root } from '../house/sources.ts';
import { describeWith } from './tools.ts';

const run = promisify(execFile);
const schemasOf = '1.33.0'; // a version that clusters run today

const resource = z.looseObject({
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), labels: z.record(z.string(), z.string()) }),
});
const selector = z.object({ matchLabels: z.record(z.string(), z.string()) });
const container = z.looseObject({
  env: z.array(
    z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }),
  ),
  securityContext: z.object({
    allowPrivilegeEscalation: z.boolean(),
    readOnlyRootFilesystem: z.boolean(),
    capabilities: z.object({ drop: z.array(z.string()) }),
  }),
  resources: z.object({ limits: z.object({ cpu: z.string(), memory: z.string() }) }),
});
const deployment = z.object({
  spec: z.object({
    replicas: z.number(),
    selector,
    template: z.object({
      metadata: z.object({ labels: z.record(z.string(), z.string()) }),
      spec: z.looseObject({ containers: z.tuple([container]) }),
    }),
  }),
});

describeWith('the kustomize base', ['go', 'kubernetes-validate'], async pathOf => {
  const folder = mkdtempSync(join(tmpdir(), 'kustomize-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const { PATH, HOME } = process.env;
  const { stdout: rendered } = await run(pathOf('go'), ['run', '.', join(root, 'deploy', 'base')], {
    cwd: join(root, 'test', 'slow', 'kustomize-go'),
    env: { PATH, HOME },
    timeout: 290_000, // compiled for the first time beside other tests
    maxBuffer: 4_000_000,
  });
  const resources = parseAllDocuments(rendered).map(document => document.toJS() as unknown);
  const of = (kind: string): unknown[] =>
    resources.filter(one => resource.parse(one).kind === kind);
  const [deployed] = of('Deployment').map(one => deployment.parse(one));

  test('renders what a cluster needs', () => {
    const kinds = resources.map(one => resource.parse(one).kind);
    expect([...new Set(kinds)].sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'HorizontalPodAutoscaler',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'PrometheusRule',
      'Service',
      'ServiceMonitor',
    ]);
    expect(of('ConfigMap')).toHaveLength(boards.size);
  });

  test.each([schemasOf, undefined])('holds against the schemas of the API, %s', async version => {
    const file = join(folder, 'rendered.yaml');
    writeFileSync(file, rendered);
    const chosen = version ? ['-k', version] : [];
    const args = ['--strict', ...chosen, file];
    const { stdout } = await run(pathOf('kubernetes-validate'), args, { timeout: 60_000 });
    const core = resources.filter(one => !/Monitor$|Rule$/.test(resource.parse(one).kind));
    expect(stdout.match(/ passed for resource /g)).toHaveLength(core.length);
    // resources of the Prometheus operator have no schema there
    expect(stdout.match(/Couldn't find schema for kind (\w+)/g)).toHaveLength(2);
  });

  test('is found fault with where a name is wrong', async () => {
    const file = join(folder, 'broken.yaml');
    writeFileSync(file, rendered.replace('readOnlyRootFilesystem', 'readOnlyFilesystem'));
    await expect(run(pathOf('kubernetes-validate'), ['--strict', file])).rejects.toThrow();
  });

  test('selects its own pods wherever it selects', () => {
    const labels = deployed?.spec.template.metadata.labels ?? {};
    const spec = z.looseObject({ spec: z.looseObject({ selector }) });
    const selecting = [...of('PodDisruptionBudget'), ...of('ServiceMonitor'), ...of('Deployment')];
    for (const one of selecting)
      expect(labels).toMatchObject(spec.parse(one).spec.selector.matchLabels);
  });

  test('lets in who calls, and out to what the service asks', () => {
    const policy = z.looseObject({
      spec: z.looseObject({
        podSelector: selector,
        policyTypes: z.array(z.string()),
        ingress: z.array(z.looseObject({ ports: z.array(z.looseObject({ port: z.unknown() })) })),
        egress: z.array(z.looseObject({ ports: z.array(z.looseObject({ port: z.unknown() })) })),
      }),
    });
    const [found] = of('NetworkPolicy').map(one => policy.parse(one).spec);
    expect(deployed?.spec.template.metadata.labels).toMatchObject(
      found?.podSelector.matchLabels ?? { none: '' },
    );
    expect(found?.policyTypes).toEqual(['Ingress', 'Egress']);
    const portsOf = (rules: readonly { readonly ports: readonly { port: unknown }[] }[] = []) =>
      rules.flatMap(({ ports }) => ports.map(({ port }) => port));
    expect(portsOf(found?.ingress)).toEqual(['http']);
    expect(portsOf(found?.egress)).toEqual(expect.arrayContaining([53, 5_432, 6_379, 26_379]));
  });

  test('scales what it deploys, within the connections that it names', () => {
    const scaler = z.looseObject({
      spec: z.looseObject({
        scaleTargetRef: z.object({ apiVersion: z.string(), kind: z.string(), name: z.string() }),
        minReplicas: z.number(),
        maxReplicas: z.number(),
      }),
    });
    const [found] = of('HorizontalPodAutoscaler').map(one => scaler.parse(one).spec);
    const [target] = of('Deployment').map(one => resource.parse(one).metadata.name);
    expect(found?.scaleTargetRef).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name: target,
    });
    expect(found?.minReplicas).toBe(deployed?.spec.replicas);
    const text = readFileSync(join(root, 'deploy/base/horizontal-pod-autoscaler.yaml'), 'utf8');
    const [env = []] = deployed?.spec.template.spec.containers.map(one => one.env) ?? [];
    const plain = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
    const { processes, connectionsMax, lockConnectionsMax } = readConfig(Object.fromEntries(plain));
    const each = connectionsMax + lockConnectionsMax + 6; // probe, three of the audit, one asked for, one spare
    const all = (found?.maxReplicas ?? 0) * processes * each;
    expect(text).toContain(`${found?.maxReplicas} × ${processes} × ${each} = ${all}`);
  });

  test('gives the service what it reads, secrets by reference alone', () => {
    const [{ env, securityContext }] = deployed?.spec.template.spec.containers ?? [
      expect.fail('there is no container'),
    ];
    expect(env.map(({ name }) => name).filter(name => !variableNames.includes(name))).toEqual([]);
    for (const { name, value } of env)
      if (/_URL|_NODES|TOKEN/.test(name)) expect(value).toBeUndefined();
    const plain = env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]]));
    expect(readConfig(Object.fromEntries(plain))).toMatchObject({ processes: 2, port: 3_000 });
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(deployed?.spec.replicas).toBe(3);
  });

  test('carries the dashboards as they are', () => {
    const maps = of('ConfigMap').map(one =>
      z.object({ data: z.record(z.string(), z.string()) }).parse(one),
    );
    for (const [file, text] of maps.flatMap(({ data }) => Object.entries(data)))
      expect(text).toBe(readFileSync(join(root, 'grafana', 'dashboards', file), 'utf8'));
  });
});
