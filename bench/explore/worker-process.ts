/** A worker process: explores one cell after another. */

import { loadRegistry, type Registry } from '../../src/engine/registry.ts';
import { errorMessage } from '../../src/error-message.ts';
import { openServices, type Services } from '../../src/services/index.ts';
import { type CellServers, exploreCell } from './cell.ts';
import { type CellSpec, notOffered, optionsOf, planOf, type Reach } from './spec.ts';
import { type ExploredCell, exploredCell, unexplored } from './verdict.ts';

/** The first message to a worker. */
export interface WorkerStart {
  readonly kind: 'start';
  readonly databaseUrl: string;
  /** Undefined: the worker starts its own Redis servers, so that no other worker flushes their scripts. */
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

/** Stop exploring: the current cell is answered soon, with what was found so far. */
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
/** Long enough to abandon an order; after this, the keeper cleans up what is left. */
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
  process.send?.(message, () => {}); // the parent may be gone: 'disconnect' tells
}

process.on('message', (message: WorkerStart | WorkerOrder | WorkerStop) => {
  if (message.kind === 'stop') return stopping.abort(new Error('interrupted'));
  const work =
    message.kind === 'start'
      ? start(message).then(() => answer({ kind: 'ready' }))
      : explored(message).then(cell => answer({ kind: 'explored', cell }));
  exploring = work.catch((error: unknown) => answer({ kind: 'failed', why: errorMessage(error) }));
});
// Ctrl-C in a terminal reaches this process too; only the parent decides when to stop.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
// the parent has exited or disconnected: the servers end with this process
process.on('disconnect', () => {
  stopping.abort(new Error('interrupted'));
  const late = new Promise(resolve => setTimeout(resolve, stopMs));
  void Promise.race([exploring, late])
    .then(() => services?.close())
    .finally(() => process.exit());
});
