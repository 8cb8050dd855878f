import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RegisteredStrategy } from '../../src/engine/registry.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { counterScenario } from './counter.ts';
import type { HolderTask } from './holder.ts';

const holderScript = fileURLToPath(new URL('holder.ts', import.meta.url));
const leaseMs = 1_500;

/** Case crash-holder: whoever is killed while holding a key frees it, at once or with its lease. */
export function holderLaw(strategy: RegisteredStrategy, urlsOf: () => EngineUrls): void {
  let open: OpenEngine;
  beforeAll(() => {
    open = openEngine(urlsOf(), { leaseMs });
  });
  afterAll(() => open.close());

  test(`${strategy.name}: crash-holder: a killed process frees its key`, async () => {
    const id = String(Math.floor(Math.random() * 1e12));
    const task: HolderTask = { strategyFile: strategy.file, id, leaseMs, urls: urlsOf() };
    const holder = spawn(process.execPath, ['--import', 'tsx', holderScript], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ended = once(holder, 'exit');
    try {
      holder.stdin.end(JSON.stringify(task));
      const [said] = await once(holder.stdout, 'data');
      expect(String(said)).toBe('holding\n');
    } finally {
      holder.kill('SIGKILL');
      await ended;
    }
    const { outcome } = await open.engine.serve({
      scenario: { name: 'counter', registered: counterScenario(new Map()) },
      variant: 'plain',
      strategy: { name: strategy.name, declared: strategy.declared },
      commandId: randomUUID(),
      input: { params: { id }, body: {} },
    });
    expect(outcome).toMatchObject({ kind: 'accepted' });
  });
}
