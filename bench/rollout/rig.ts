/** Two replicas of two processes under load, for whole rollouts. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { z } from 'zod';
import { openServices, type Services } from '../../src/services/index.ts';
import { createRunDatabase } from '../lab/run-database.ts';
import { type Environment, type StartedService, startService } from '../lab/service.ts';
import { type LoadOptions, type LoadTold, load, makeCards } from './burst-load.ts';

export interface RigOptions {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly note: (line: string) => void;
}

export interface Rig {
  readonly services: Services;
  readonly replicas: readonly StartedService[];
  readonly client: pg.Client;
  /** `PUT` or `POST` below /admin/rollouts; throws what the service answers. */
  act(method: 'PUT' | 'POST', path: string, body: object): Promise<void>;
  state(): Promise<State>;
  /** Until the rollout is in one of these stages; throws after `limitMs`. */
  until(stages: readonly string[], limitMs: number): Promise<State>;
  /** Runs the load while `work` does. */
  loaded<T>(
    work: () => Promise<T>,
    load: Load,
  ): Promise<{ readonly done: T; readonly told: LoadTold }>;
  close(): Promise<void>;
}

type Load = Pick<LoadOptions, 'burst' | 'burstsPerSecond' | 'random'>;

const state = z.object({
  stage: z.string(),
  weight: z.number(),
  failed: z.string().nullable(),
  verdict: z.string(),
  log: z.array(z.object({ at: z.string(), who: z.string(), action: z.string(), why: z.string() })),
});
export type State = z.infer<typeof state>;

export const scenario = 'gift-card';
const cardsCount = 400;
const lookEveryMs = 200;
const triesMax = 10;
const againMs = 500;

/** Rejects if anything does not start; then nothing is left running. */
export async function openRig({ environment, signal, note }: RigOptions): Promise<Rig> {
  const services = await openServices({
    ...{ redisNodeCount: 3, durable: true, report: note, signal },
  });
  try {
    return await rigOn(services, environment, signal);
  } catch (error) {
    await services.close();
    throw error;
  }
}

async function rigOn(
  services: Services,
  environment: Environment,
  signal: AbortSignal,
): Promise<Rig> {
  const token = randomBytes(16).toString('hex');
  const database = await createRunDatabase(services.postgres.url);
  const variables = {
    ...{ STRATEGY: 'row-lock', PROCESSES: '2', ROLLOUTS: '1' },
    ...{ ADMIN_TOKEN: token, LOG_LEVEL: 'warn' },
  };
  const start = () =>
    startService({
      ...{ services, databaseUrl: database.url, strategyFiles: [], variables, environment, signal },
    });
  const replicas = [await start(), await start()];
  const urls = replicas.map(({ url }) => url);
  const [url = ''] = urls;
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => {}); // the failing query reports it
  await client.connect();
  const cards = await makeCards(url, cardsCount);
  const ask = asking(`${url}/admin/rollouts/${scenario}`, token);
  const rig: Rig = {
    ...{ services, replicas, client },
    act: async (method, path, body) => {
      await ask(method, path, { who: 'an instrument', why: 'to see it', ...body });
    },
    state: async () => state.parse(await ask('GET', '')),
    async until(stages, limitMs) {
      const endMs = performance.now() + limitMs;
      for (;;) {
        const now = await rig.state();
        if (stages.includes(now.stage)) return now;
        if (performance.now() > endMs) throw new Error(`still ${now.stage} after ${limitMs} ms`);
        await sleep(lookEveryMs, undefined, { signal });
      }
    },
    async loaded(work, { burst, burstsPerSecond, random }) {
      const ending = new AbortController();
      const until = AbortSignal.any([signal, ending.signal]);
      const loading = load(cards, {
        ...{ urls, burst, burstsPerSecond, random, signal: until },
      });
      const done = await work().finally(() => ending.abort());
      return { done, told: await loading };
    },
    async close() {
      await client.end().catch(() => {});
      await Promise.all(replicas.map(({ child }) => child.stop()));
      await database.drop();
      await services.close();
    },
  };
  return rig;
}

function asking(url: string, token: string) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return async (method: string, path: string, body?: object): Promise<unknown> => {
    const sent = { method, headers, ...(body && { body: JSON.stringify(body) }) };
    let response = await fetch(`${url}${path}`, sent);
    for (let tries = 1; response.status >= 500 && tries < triesMax; tries += 1) {
      await sleep(againMs); // the machine is busy; each of these may be said twice
      response = await fetch(`${url}${path}`, sent);
    }
    const answered: unknown = await response.json();
    if (!response.ok) throw new Error(`the service answered ${JSON.stringify(answered)}`);
    return answered;
  };
}
