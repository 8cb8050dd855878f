import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRegistry, type RegisteredStrategy } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { until } from '../fixtures/gate.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { counterScenario, counterSchema, makeCounter } from '../laws/counter.ts';
import type { HolderTask } from '../laws/holder.ts';
import { waitsForKey } from '../laws/waiter-laws.ts';

/** A process that stands still keeps its connections; its locks end as src/http/README.md says. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry, counterSchema);
const holderScript = fileURLToPath(new URL('../laws/holder.ts', import.meta.url));
const waitMs = 10_000;
const leaseMs = 8_000;
const slackMs = 10_000; // of a machine that is busy

const heldBy = ({ declared }: RegisteredStrategy) => declared.turns[0]?.heldBy ?? 'transaction';
const freeAfterMs = { transaction: 15_000, session: waitMs + 3_000, lease: leaseMs, process: 0 };

// a lock on the table keeps the others out of theirs
const frozen = [...registry.strategies.values()].filter(
  strategy =>
    waitsForKey(strategy) &&
    heldBy(strategy) !== 'process' &&
    !strategy.declared.guard.includes('lock table'),
);

describe('a process that is frozen while it holds a key', () => {
  const ids: Record<string, string> = {};
  const freeMs: Record<string, Promise<number>> = {};
  let open: OpenEngine;
  let thaw: () => Promise<void> = async () => {};

  const serve = async ({ name, declared }: RegisteredStrategy) => {
    const served = await open.engine.serve({
      scenario: { name: 'counter', registered: counterScenario(new Map()) },
      variant: 'plain',
      strategy: { name, declared },
      commandId: randomUUID(),
      input: { params: { id: ids[name] }, body: {} },
    });
    return served.outcome;
  };

  beforeAll(async () => {
    open = openEngine(urls, { waitMs: 500 });
    for (const { name } of frozen) ids[name] = await makeCounter(open.store.query);
    const holder = spawn(process.execPath, ['--import', 'tsx', holderScript], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 110_000,
      killSignal: 'SIGKILL',
    });
    const ended = once(holder, 'exit');
    thaw = async () => {
      holder.kill('SIGKILL');
      await ended;
    };
    const task: HolderTask = { ids, leaseMs, waitMs, urls };
    holder.stdin.end(JSON.stringify(task));
    const [said] = await Promise.race([once(holder.stdout, 'data'), ended]);
    expect(String(said)).toBe('holding\n');
    holder.kill('SIGSTOP');
    const frozenMs = performance.now();
    for (const strategy of frozen) {
      const free = untilFree(strategy, frozenMs);
      free.catch(() => {}); // its test tells
      freeMs[strategy.name] = free;
    }
  });
  afterAll(async () => {
    await thaw();
    await open.close();
  });

  async function untilFree(strategy: RegisteredStrategy, fromMs: number): Promise<number> {
    const accepted = async () => (await serve(strategy)).kind === 'accepted';
    await until(`the key of ${strategy.name} is free`, accepted, 90_000);
    return performance.now() - fromMs;
  }

  for (const strategy of frozen)
    test(`${strategy.name}: the key is free when its ${heldBy(strategy)} ends`, async ({
      annotate,
    }) => {
      const tookMs = await freeMs[strategy.name];
      await annotate(`free after ${((tookMs ?? 0) / 1_000).toFixed(1)} s`);
      expect(tookMs).toBeLessThan(freeAfterMs[heldBy(strategy)] + slackMs);
      expect(tookMs).toBeGreaterThan(1_000); // it was held
    });
});
