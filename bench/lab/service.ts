/** Starts the service for the instruments that measure it. */
import { delimiter, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Child, Services } from '../../src/services/index.ts';

/** Variables of an environment, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceStart {
  readonly services: Services;
  readonly databaseUrl: string;
  /** Absolute paths of the user's strategy files. */
  readonly strategyFiles: readonly string[];
  /** Configures the service: `PROCESSES`, `WAIT_MS`, … `startService` sets addresses that these do not. */
  readonly variables: Readonly<Record<string, string>>;
  /** The caller's environment; only what a Node process needs is passed on. */
  readonly environment: Environment;
  readonly signal: AbortSignal;
}

export interface StartedService {
  readonly child: Child;
  /** The port that all processes share. */
  readonly url: string;
  /** Each process with its own address, in the order of their numbers. */
  readonly processes: readonly { readonly pid: number; readonly url: string }[];
}

const readyLine = z.object({
  msg: z.literal('ready'),
  url: z.string(),
  processes: z.array(z.object({ pid: z.number(), url: z.string() })),
});

const readyMs = 60_000; // it takes a few seconds, more on a busy machine
const passedOn = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'NODE_EXTRA_CA_CERTS'];

/** Starts it on free ports of 127.0.0.1. Rejects with its output; the keeper ends it with this process. */
export async function startService({
  services,
  databaseUrl,
  strategyFiles,
  variables,
  environment,
  signal,
}: ServiceStart): Promise<StartedService> {
  let ready: z.infer<typeof readyLine> | undefined;
  const child = await services.keeper.start(
    {
      name: 'the service',
      role: 'client',
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), entry()],
      env: {
        ...variablesSet(environment, passedOn),
        DATABASE_URL: databaseUrl,
        REDIS_URL: services.redis.url,
        REDIS_NODES: services.redisNodes.map(node => node.url).join(','),
        ...variables,
        HOST: '127.0.0.1',
        PORT: '0',
        LAME_DUCK_MS: '0', // nobody balances here, and the keeper does not wait for it
        NODE_ENV: 'production',
        STRATEGY_FILES: strategyFiles.join(delimiter),
      },
    },
    {
      onLine: line => {
        const read = readyLine.safeParse(parsed(line));
        if (read.success) ready = read.data;
      },
      ready: async () => {
        signal.throwIfAborted();
        return ready !== undefined;
      },
      readyMs,
    },
  );
  if (!ready) throw new Error('the service started without reporting its address');
  return { child, url: ready.url, processes: ready.processes };
}

/** The variables of these names that are set. */
export function variablesSet(
  environment: Environment,
  names: readonly string[],
): Record<string, string> {
  return Object.fromEntries(
    names.flatMap(name => (environment[name] ? [[name, environment[name]]] : [])),
  );
}

/** The service's entry point: TypeScript source or compiled, like this file. */
function entry(): string {
  return fileURLToPath(new URL(`../../src/main${extname(import.meta.url)}`, import.meta.url));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
