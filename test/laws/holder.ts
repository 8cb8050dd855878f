/** A process that takes a key under each strategy and keeps them until it is killed. Its task comes as JSON on stdin. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import { loadRegistry } from '../../src/engine/registry.ts';
import { type EngineUrls, openEngine } from '../fixtures/engines.ts';
import { counterScenario } from './counter.ts';

export interface HolderTask {
  /** Strategy name → id of the counter that is held under it. */
  readonly ids: Readonly<Record<string, string>>;
  readonly leaseMs: number;
  readonly waitMs?: number;
  readonly urls: EngineUrls;
}

const heldAtMostMs = 120_000; // a holder that nobody kills ends by itself

const task: HolderTask = JSON.parse(await text(process.stdin));
const registry = await loadRegistry();
for (const [name, id] of Object.entries(task.ids)) {
  const strategy = registry.strategies.get(name);
  if (!strategy) throw new Error(`there is no strategy ${name}`);
  await new Promise<void>((resolve, reject) => {
    const hold = async (): Promise<void> => {
      resolve();
      await new Promise(ended => setTimeout(ended, heldAtMostMs));
    };
    // an engine each: one that holds a whole table must not keep the next from its connection
    const { leaseMs, waitMs } = task;
    const { engine } = openEngine(task.urls, { leaseMs, ...(waitMs && { waitMs }) });
    const served = engine.serve({
      scenario: { name: 'counter', registered: counterScenario(new Map([['hold', hold]])) },
      variant: 'plain',
      strategy: { name, declared: strategy.declared },
      commandId: randomUUID(),
      input: { params: { id, work: 'hold' }, body: {} },
    });
    served.then(({ outcome }) => reject(new Error(`${name}: ${outcome.detail}`)), reject);
  });
}
process.stdout.write('holding\n');
setTimeout(() => process.exit(1), heldAtMostMs);
