import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { variableNames } from '../../src/config.ts';
import { root } from '../house/sources.ts';
import { describeWith } from './tools.ts';

/** What the engine makes of a service, as far as it is looked at. */
const service = z.object({
  image: z.string(),
  build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
  profiles: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.string().nullable()).optional(),
  depends_on: z.record(z.string(), z.object({ required: z.boolean() })).optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  ports: z.array(z.object({ host_ip: z.string().optional(), published: z.string() })).optional(),
  volumes: z
    .array(z.object({ type: z.string(), source: z.string(), read_only: z.boolean().optional() }))
    .optional(),
  read_only: z.boolean().optional(),
  deploy: z.object({ replicas: z.number() }).optional(),
});
const project = z.object({
  services: z.record(z.string(), service),
  volumes: z.record(z.string(), z.unknown()),
});

const file = join(root, 'docker-compose.yml');

describeWith('docker-compose.yml, as the engine reads it', ['go'], async pathOf => {
  const read = async (environment: Readonly<Record<string, string>> = {}) => {
    const { PATH, HOME } = process.env;
    const { stdout } = await promisify(execFile)(pathOf('go'), ['run', '.', file], {
      cwd: join(root, 'test', 'slow', 'compose-go'),
      env: { PATH, HOME, ...environment },
      timeout: 170_000,
    });
    return project.parse(JSON.parse(stdout));
  };
  const { services, volumes } = await read();
  const all = Object.entries(services);
  const named = (name: string) => services[name] ?? expect.fail(`there is no ${name}`);

  test('has the service twice, its stores, and what each profile adds', () => {
    expect(named('service').deploy?.replicas).toBe(2);
    const of = (profile: string): string[] =>
      all.filter(([, { profiles = [] }]) => profiles.includes(profile)).map(([name]) => name);
    const usual = all.filter(([, { profiles }]) => !profiles).map(([name]) => name);
    expect(usual.sort()).toEqual(['postgres', 'proxy', 'redis', 'service']);
    expect(of('redlock').sort()).toEqual([1, 2, 3, 4, 5].map(node => `redis-${node}`));
    expect(of('observability').sort()).toEqual([
      'grafana',
      'postgres-exporter',
      'prometheus',
      'redis-exporter',
    ]);
    expect([of('pooler'), of('bench')]).toEqual([['pgbouncer'], ['k6']]);
  });

  test.each(all)('%s is pinned, watched, and reachable from this machine alone', (name, one) => {
    const ours = one.build !== undefined;
    if (!ours) expect(one.image).toMatch(/:v?\d+\.\d+[\w.-]*$/);
    if (!ours && name !== 'k6') expect(one.healthcheck?.test.length).toBeGreaterThan(1);
    for (const { host_ip } of one.ports ?? []) expect(host_ip).toBe('127.0.0.1');
    for (const { type, source, read_only } of one.volumes ?? []) {
      if (type === 'volume') expect(Object.keys(volumes)).toContain(source);
      else expect([existsSync(source), read_only], relative(root, source)).toEqual([true, true]);
    }
    for (const [other, { required }] of Object.entries(one.depends_on ?? {}))
      if (required && named(other).profiles) expect(one.profiles).toEqual(named(other).profiles);
  });

  test('gives the service only variables that it reads, in a form that it takes', async () => {
    const { environment = {} } = named('service');
    expect(Object.keys(environment).filter(name => !variableNames.includes(name))).toEqual([]);
    const { readConfig } = await import('../../src/config.ts');
    const config = readConfig(
      Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, text ?? ''])),
    );
    expect(config).toMatchObject({ processes: 2, strategy: 'row-lock' });
    expect(config.redisNodeUrls).toHaveLength(5);
  });

  test('takes every variable that it names, and starts without any of them', async () => {
    const text = readFileSync(file, 'utf8');
    const variables = [...text.matchAll(/\$\{(\w+)(:-)?/g)];
    expect(variables.length).toBeGreaterThan(8);
    expect(variables.filter(([, , usual]) => !usual).map(([, name]) => name)).toEqual([]);
    const changed = await read({ STRATEGY: 'redlock', DATABASE_POOLER: 'transaction' });
    expect(changed.services.service?.environment).toMatchObject({
      STRATEGY: 'redlock',
      DATABASE_POOLER: 'transaction',
    });
  });

  test('builds the service from what the image is given, as nobody in particular', () => {
    const { build, read_only } = named('service');
    expect(read_only).toBe(true);
    const dockerfile = readFileSync(join(build?.context ?? '', build?.dockerfile ?? ''), 'utf8');
    const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(match =>
      (match[1] ?? '').split(' '),
    );
    for (const path of copied) {
      expect(existsSync(join(root, path)), path).toBe(true);
      expect(ignored).toContain(`!${path.replace('./', '')}`);
    }
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    expect(dockerfile.match(/^FROM node:\d+\.\d+\.\d+-[\w-]+/gm)).toHaveLength(3);
  });
});
