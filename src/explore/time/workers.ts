import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { put } from './put.ts';
import { realNow } from './real-time.ts';

const require = createRequire(import.meta.url);

/** A thread that spends less of its time than this outside its event loop waits for something. */
const idleShare = 0.2;
/** How long, in real time, a thread that was busy is assumed to be so. */
const restsMs = 20;

type Load = ReturnType<Worker['performance']['eventLoopUtilization']>;
const workers = new Map<Worker, Load | undefined>();
let busyMs = Number.NEGATIVE_INFINITY;

/**
 * Threads compute for the actor that asks them, whoever started them: a pool outlives an order. Their
 * time is real: no timer of theirs is seen.
 */
export function replaceWorkers(): () => void {
  const watched = new Proxy(Worker, {
    construct: (target, values: unknown[], self): object => {
      const worker: object = Reflect.construct(target, values, self === watched ? target : self);
      if (worker instanceof target) {
        workers.set(worker, undefined);
        worker.once('exit', () => workers.delete(worker));
      }
      return worker;
    },
  });
  return put(require('node:worker_threads') as object, 'Worker', watched);
}

/** A thread computes now, or did a moment ago. */
export function workersWork(): boolean {
  for (const [worker, before] of workers) {
    const now = worker.performance.eventLoopUtilization();
    // Until it is there it tells nothing: it starts.
    const starts = now.idle === 0 && now.active === 0;
    const idle = now.idle - (before?.idle ?? 0);
    const active = now.active - (before?.active ?? 0);
    if (starts || active > (idle + active) * idleShare) busyMs = realNow();
    workers.set(worker, now);
  }
  return workers.size > 0 && realNow() - busyMs < restsMs;
}
