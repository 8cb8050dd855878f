/** The three runs of `compare` behind the table of costs. */
import pg from 'pg';
import type { Registry } from '../../src/engine/registry.ts';
import type { Server, Services } from '../../src/services/index.ts';
import { RunFolder } from '../compare/files.ts';
import { readOptions } from '../compare/options.ts';
import { type CompareOptions, compare } from '../compare/run.ts';
import type { Run } from '../compare/schema.ts';
import { type DelayProxy, openDelayProxy } from '../lab/delay-proxy.ts';
import { controlOf } from '../lab/plan.ts';
import { blocksMin } from '../lab/ranking.ts';
import { percentile } from '../lab/statistics.ts';
import type { CostTable } from './costs.ts';
import { costsOf } from './measured-costs.ts';
import { placesOf } from './needs.ts';
import { type Answers, carefulAnswers, questions } from './questions.ts';

export interface CostOptions extends Pick<CompareOptions, 'environment' | 'output' | 'signal'> {
  readonly registry: Registry;
  readonly services: Services;
  readonly places: readonly string[];
  /** Names; empty for all that are not wrong on purpose. */
  readonly strategies: readonly string[];
  readonly rounds: number;
  readonly addedMs: number;
  /** Folder of the raw data. */
  readonly results: string;
  readonly command: string;
}

/** The operations that advice prices: one for each shape. */
export function costPlaces(): readonly string[] {
  const shapes = Object.keys(questions.shape.choices) as Answers['shape'][];
  return shapes.flatMap(shape => placesOf({ ...carefulAnswers, shape })[0]?.place ?? []);
}

/** With delays every command takes long, and what is asked is a slope. */
const roundsAway = 4;

export async function measureCosts(options: CostOptions): Promise<CostTable> {
  const { registry, services, addedMs, command } = options;
  const asked =
    options.strategies.length > 0
      ? options.strategies
      : [...registry.strategies.values()]
          .filter(({ declared }) => !declared.hazard)
          .map(({ name }) => name);
  const inRedis = asked.filter(
    name => registry.strategies.get(name)?.declared.adoption.newDependency !== undefined,
  );
  const away = { ...options, rounds: roundsAway };
  const urls = urlsOf(services);
  const local = await measured(options, { strategies: asked, ...urls });
  const postgresAway = await delayed(addedMs, [services.postgres], ([postgres]) =>
    measured(away, { strategies: asked, ...urls, ...(postgres && { postgres }) }),
  );
  const nodes = [services.redis, ...services.redisNodes];
  const redisAway = await delayed(addedMs, nodes, ([redis, ...redisNodes]) =>
    measured(away, { strategies: inRedis, ...urls, ...(redis && { redis }), redisNodes }),
  );
  const localMs = await roundTripMs(services.postgres.url);
  return costsOf({ local, postgresAway, redisAway, addedMs, localMs, command });
}

interface Urls {
  readonly postgres: string;
  readonly redis: string;
  readonly redisNodes: readonly string[];
}

const urlsOf = ({ postgres, redis, redisNodes }: Services): Urls => ({
  postgres: postgres.url,
  redis: redis.url,
  redisNodes: redisNodes.map(({ url }) => url),
});

interface Measured extends Urls {
  readonly strategies: readonly string[];
}

async function measured(
  { registry, places, rounds, results, environment, output, signal }: CostOptions,
  { strategies, postgres, redis, redisNodes }: Measured,
): Promise<Run> {
  const folder = new RunFolder(results);
  const scenarios = [...new Set(places.map(place => place.split('/')[0] ?? ''))];
  const run = await compare({
    options: readOptions([
      ...['--scenario', scenarios.join(','), '--variant', places.join(',')],
      ...['--strategy', [...strategies, controlOf(registry).name].join(',')],
      ...[
        '--repetitions',
        String(blocksMin),
        '--rounds',
        String(rounds),
        '--explore-seconds',
        '0',
        '--out',
        results,
      ],
    ]),
    environment: {
      ...environment,
      DATABASE_URL: postgres,
      REDIS_URL: redis,
      REDIS_NODES: redisNodes.join(','),
    },
    save: async soFar => void (await folder.save(soFar)),
    ...{ output, signal },
  });
  await folder.save(run);
  signal.throwIfAborted();
  if (run.end !== 'complete') throw new Error(`a run for the costs ended: ${run.brokenOff}`);
  return run;
}

/** Reaches the servers with so much added to each exchange. */
async function delayed<T>(
  addedMs: number,
  servers: readonly Server[],
  use: (urls: readonly string[]) => Promise<T>,
): Promise<T> {
  const proxies: DelayProxy[] = [];
  try {
    const urls: string[] = [];
    for (const { url } of servers) {
      const { hostname, port } = new URL(url);
      const proxy = await openDelayProxy({ host: hostname, port: Number(port) }, addedMs);
      proxies.push(proxy);
      const reached = new URL(url);
      reached.hostname = '127.0.0.1';
      reached.port = String(proxy.port);
      urls.push(reached.href);
    }
    return await use(urls);
  } finally {
    await Promise.all(proxies.map(proxy => proxy.close()));
  }
}

const pings = 200;

/** The median of the shortest statement there is. */
async function roundTripMs(url: string): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  try {
    const times: number[] = [];
    for (let ping = 0; ping < pings; ping += 1) {
      const startMs = performance.now();
      await client.query('select 1');
      times.push(performance.now() - startMs);
    }
    return (
      Math.round(
        percentile(
          times.toSorted((a, b) => a - b),
          0.5,
        ) * 100,
      ) / 100
    );
  } finally {
    await client.end();
  }
}
