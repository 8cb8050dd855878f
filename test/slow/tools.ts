/**
 * Tests that need more than npm gives say what by `describeWith`. What is missing makes their group
 * one named skip with the line that installs it; with LOCKSTEP_REQUIRE_TOOLS=1 a failure instead,
 * so that a green CI cannot hide it.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test } from 'vitest';

type Environment = Readonly<Record<string, string | undefined>>;

interface Tool {
  /** What the program may be called, in the order in which it is taken. */
  readonly names: readonly string[];
  /** Names an own place. */
  readonly variable: string;
  readonly install: string;
  /** Arguments with which it ends without an error where it is complete. */
  readonly proof?: readonly string[];
}

/** Searched after PATH: an ordinary user's has no sbin. */
const usualFolders = ['/usr/bin', '/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin', '/snap/bin'];

const tools = {
  promtool: {
    names: ['promtool'],
    variable: 'PROMTOOL_PATH',
    install: 'apt-get install prometheus',
  },
  prometheus: {
    names: ['prometheus'],
    variable: 'PROMETHEUS_PATH',
    install: 'apt-get install prometheus',
  },
  'postgres exporter': {
    names: ['prometheus-postgres-exporter', 'postgres_exporter'],
    variable: 'POSTGRES_EXPORTER_PATH',
    install: 'apt-get install prometheus-postgres-exporter',
  },
  'redis exporter': {
    names: ['prometheus-redis-exporter', 'redis_exporter'],
    variable: 'REDIS_EXPORTER_PATH',
    install: 'apt-get install prometheus-redis-exporter',
  },
  pgbouncer: {
    names: ['pgbouncer'],
    variable: 'PGBOUNCER_PATH',
    install: 'apt-get install pgbouncer',
  },
  'kubernetes-validate': {
    names: ['kubernetes-validate'],
    variable: 'KUBERNETES_VALIDATE_PATH',
    install: 'pip install kubernetes-validate',
  },
  'openapi-spec-validator': {
    names: ['openapi-spec-validator'],
    variable: 'OPENAPI_SPEC_VALIDATOR_PATH',
    install: 'pip install openapi-spec-validator==0.9.0',
  },
  schemathesis: {
    names: ['schemathesis', 'st'],
    variable: 'SCHEMATHESIS_PATH',
    install: 'pip install schemathesis==4.32.5',
  },
  curl: { names: ['curl'], variable: 'CURL_PATH', install: 'apt-get install curl' },
  go: { names: ['go'], variable: 'GO_PATH', install: 'https://go.dev/doc/install' },
  ip: { names: ['ip'], variable: 'IP_PATH', install: 'apt-get install iproute2' },
  k6: {
    names: ['k6'],
    variable: 'K6_PATH',
    install: 'go install go.k6.io/k6@v1.8.1',
  },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome', 'chrome'],
    variable: 'CHROMIUM_PATH',
    install: 'apt-get install chromium',
  },
  psql: { names: ['psql'], variable: 'PSQL_PATH', install: 'apt-get install postgresql-client' },
  psycopg: {
    names: ['python3'],
    variable: 'PYTHON_PATH',
    install: 'apt-get install python3-psycopg, or pip install "psycopg[binary]"',
    proof: ['-c', 'import psycopg'],
  },
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

/** Something that has to be there: a program, or the right to make network namespaces. */
export type Need = ToolName | 'root';

/** The absolute path of a program; undefined where it is missing. */
export function find(name: ToolName, environment: Environment = process.env): string | undefined {
  const { names, variable, proof }: Tool = tools[name];
  const own = environment[variable];
  const works = (file: string): boolean => isExecutable(file) && proves(file, proof);
  if (own) return works(own) ? own : undefined;
  const path = (environment.PATH ?? '').split(delimiter).filter(folder => folder.startsWith('/'));
  const home = environment.HOME ? [join(environment.HOME, 'go', 'bin')] : [];
  return [...path, ...home, ...usualFolders]
    .flatMap(folder => names.map(file => join(folder, file)))
    .find(works);
}

function proves(file: string, proof: readonly string[] | undefined): boolean {
  return proof === undefined || spawnSync(file, proof, { timeout: 10_000 }).status === 0;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function lookUp(need: Need): { readonly path: string } | { readonly advice: string } {
  if (need === 'root') return process.getuid?.() === 0 ? { path: '/' } : { advice: 'run as root' };
  const path = find(need);
  if (path !== undefined) return { path };
  const { variable, install }: Tool = tools[need];
  return { advice: `${install} (or set ${variable})` };
}

/**
 * A `describe` whose body can ask for the paths of the programs that it needs. Where one is missing
 * the body is not run: the group is one skipped test, or one that fails, whose name says what to do.
 */
export function describeWith<const N extends Need>(
  title: string,
  needs: readonly N[],
  body: (pathOf: (need: N) => string) => void | Promise<void>,
): void {
  const paths = new Map<string, string>();
  const missing: string[] = [];
  for (const need of needs) {
    const looked = lookUp(need);
    if ('path' in looked) paths.set(need, looked.path);
    else missing.push(`needs ${need}: ${looked.advice}`);
  }
  if (missing.length > 0) absent(title, missing.join('; '));
  else describe(title, () => body(need => paths.get(need) ?? ''));
}

function absent(title: string, why: string): void {
  if (process.env.LOCKSTEP_REQUIRE_TOOLS === '1') {
    test(`${title} ${why}`, () => {
      throw new Error(`${why}; LOCKSTEP_REQUIRE_TOOLS=1 allows no skip`);
    });
    return;
  }
  console.warn(`skipped: ${title} ${why}`);
  test.skip(`${title} ${why}`);
}
