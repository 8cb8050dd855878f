import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RegisteredStrategy } from '../../src/engine/registry.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { until } from '../fixtures/gate.ts';
import { counterScenario, effectsOf, makeCounter } from './counter.ts';
import type { HolderTask } from './holder.ts';

const holderScript = fileURLToPath(new URL('holder.ts', import.meta.url));
const leaseMs = 4_000;
const holderMaxMs = 110_000;

/** Case crash-holder: whoever is killed while holding a key frees it, at once or with its lease. */
export function holderLaw(
  strategies: readonly RegisteredStrategy[],
  urlsOf: () => EngineUrls,
): void {
  const ids: Record<string, string> = {};
  let open: OpenEngine;

  describe('crash-holder: a killed process frees its key', () => {
    beforeAll(async () => {
      open = openEngine(urlsOf(), { leaseMs });
      for (const { name } of strategies) ids[name] = await makeCounter(open.store.query);
      await killWhileHolding({ ids, leaseMs, urls: urlsOf() });
    });
    afterAll(() => open.close());

    for (const { name, declared } of strategies)
      test(name, async () => {
        const id = ids[name] ?? '';
        const serve = () =>
          open.engine.serve({
            scenario: { name: 'counter', registered: counterScenario(new Map()) },
            variant: 'plain',
            strategy: { name, declared },
            commandId: randomUUID(),
            input: { params: { id }, body: {} },
          });
        // a strategy that does not wait is told busy until Postgres has noticed
        await until('the key is free', async () => {
          const { outcome } = await serve();
          // cores that are taken can make Redis look as if it were away
          const byLease = declared.turns.some(({ heldBy }) => heldBy === 'lease');
          if (!byLease || outcome.detail !== 'redis-unavailable')
            expect(['accepted', 'busy', 'refused'], outcome.detail).toContain(outcome.kind);
          return outcome.kind === 'accepted';
        });
        expect(await effectsOf(open.store.query, id)).toBe(1);
      });
  });
}

/** Ends when the holder has said that it holds every key, and was killed. */
async function killWhileHolding(task: HolderTask): Promise<void> {
  const holder = spawn(process.execPath, ['--import', 'tsx', holderScript], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: holderMaxMs,
    killSignal: 'SIGKILL',
  });
  const ended = once(holder, 'exit');
  try {
    holder.stdin.end(JSON.stringify(task));
    const [said] = await Promise.race([once(holder.stdout, 'data'), ended]);
    expect(String(said)).toBe('holding\n');
  } finally {
    holder.kill('SIGKILL');
    await ended;
  }
}
