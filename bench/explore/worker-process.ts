/** Explores one cell after the other in a process of its own: one per core. */

import { loadRegistry, type Registry } from '../../src/engine/registry.ts';
import { errorMessage } from '../../src/error-message.ts';
import { openServices, type Services } from '../../src/services/index.ts';
import { type CellServers, exploreCell } from './cell.ts';
import { type CellSpec, notOffered, optionsOf, planOf, type Reach } from './spec.ts';
import { type ExploredCell, exploredCell, unexplored } from './verdict.ts';

/** What a worker is told first. */
export interface WorkerStart {
  readonly kind: 'start';
  readonly databaseUrl: string;
  /** Undefined: the worker starts Redis servers of its own, so that nobody else flushes scripts. */
  readonly redisUrl: string | undefined;
  readonly redisNodeUrls: readonly string[];
  readonly strategyFiles: readonly string[];
}

export interface WorkerOrder {
  readonly kind: 'explore';
  readonly spec: CellSpec;
  readonly reach: Reach;
  readonly secondsMax: number;
}

/** The cell that is under way is answered soon, with what was found until then. */
export interface WorkerStop {
  readonly kind: 'stop';
}

export type WorkerAnswer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'explored'; readonly cell: ExploredCell };

let services: Services | undefined;
let registry: Registry | undefined;
let files: readonly string[] = [];
const stopping = new AbortController();
let exploring: Promise<unknown> = Promise.resolve();
/** An order that is given up takes less; what is left beyond this is the keeper's. */
const stopMs = 3_000;

async function start(given: WorkerStart): Promise<void> {
  files = given.strategyFiles;
  registry = await loadRegistry(files);
  services = await openServices({
    databaseUrl: given.databaseUrl,
    ...(given.redisUrl !== undefined && { redisUrl: given.redisUrl }),
    ...(given.redisNodeUrls.length > 0 && { redisNodeUrls: given.redisNodeUrls }),
    redisNodeCount: 3,
    durable: false,
    report: () => {},
  });
}

async function explored({ spec, reach, secondsMax }: WorkerOrder): Promise<ExploredCell> {
  if (!services || !registry) throw new Error('the worker has not started');
  const plan = planOf(registry, spec, files);
  const missing = notOffered(plan);
  if (missing !== undefined) return unexplored(plan, 'not offered', missing);
  const servers: CellServers = {
    pgUrl: services.postgres.url,
    redisUrl: services.redis.url,
    redisNodeUrls: services.redisNodes.map(({ url }) => url),
  };
  const startMs = performance.now();
  const found = await exploreCell(plan, servers, {
    ...optionsOf(reach),
    secondsMax,
    signal: stopping.signal,
  });
  const seconds = (performance.now() - startMs) / 1_000;
  return exploredCell(plan, found, { phases: reach.phases, seconds });
}

function answer(message: WorkerAnswer): void {
  process.send?.(message);
}

process.on('message', (message: WorkerStart | WorkerOrder | WorkerStop) => {
  if (message.kind === 'stop') return stopping.abort(new Error('interrupted'));
  const work =
    message.kind === 'start'
      ? start(message).then(() => answer({ kind: 'ready' }))
      : explored(message).then(cell => answer({ kind: 'explored', cell }));
  exploring = work.catch((error: unknown) => answer({ kind: 'failed', why: errorMessage(error) }));
});
// A Ctrl-C of the terminal comes here, too: who started this says what is to be done.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
// the parent is gone, or wants no more: the servers end with this process
process.on('disconnect', () => {
  stopping.abort(new Error('interrupted'));
  const late = new Promise(resolve => setTimeout(resolve, stopMs));
  void Promise.race([exploring, late])
    .then(() => services?.close())
    .finally(() => process.exit());
});
