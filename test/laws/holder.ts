/** A process that takes a key and keeps it until it is killed. Its task comes as JSON on stdin. */
import { randomUUID } from 'node:crypto';
import { text } from 'node:stream/consumers';
import type { Strategy } from '../../src/contract/index.ts';
import { strategyProblems } from '../../src/engine/validate.ts';
import { type EngineUrls, openEngine } from '../fixtures/engines.ts';
import { counterScenario } from './counter.ts';

export interface HolderTask {
  readonly strategyFile: string;
  readonly id: string;
  readonly leaseMs: number;
  readonly urls: EngineUrls;
}

const heldAtMostMs = 60_000; // a holder that nobody kills ends by itself

async function load(file: string): Promise<Strategy> {
  const module: { default?: unknown } = await import(file);
  const { strategy, problems } = strategyProblems('holder', module.default);
  if (!strategy) throw new Error(problems.join('\n'));
  return strategy;
}

const task: HolderTask = JSON.parse(await text(process.stdin));
const { engine } = openEngine(task.urls, { leaseMs: task.leaseMs });
const hold = async (): Promise<void> => {
  process.stdout.write('holding\n');
  await new Promise(resolve => setTimeout(resolve, heldAtMostMs));
};
await engine.serve({
  scenario: { name: 'counter', registered: counterScenario(new Map([['hold', hold]])) },
  variant: 'plain',
  strategy: { name: 'holder', declared: await load(task.strategyFile) },
  commandId: randomUUID(),
  input: { params: { id: task.id, work: 'hold' }, body: {} },
});
process.exit(0);
