import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Event, predict, type Violation } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredScenario } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';

/** Every scenario/variant × strategy, derived from the registry and judged by the audit. */
const registry = await loadRegistry();
const urls = await scenarioDatabase(registry);
const enginesCount = 4;
const plan = { rounds: 25, rivals: 8, doubleTapShare: 0.2, random: Math.random };
const events: ReadonlySet<Event> = new Set(['several processes', 'statement phases']);
let engines: OpenEngine[] = [];

beforeAll(() => {
  engines = Array.from({ length: enginesCount }, () => openEngine(urls));
});
afterAll(async () => {
  await Promise.all(engines.map(open => open.close()));
});

interface Told {
  readonly key: string;
  readonly commandId: string;
  readonly kind: string;
  readonly detail: string;
}

for (const scenario of registry.scenarios.values()) {
  for (const [variant, traits] of Object.entries(scenario.registered.variants)) {
    describe(`${scenario.name}/${variant}`, () => {
      for (const { name, declared } of registry.strategies.values()) {
        const prediction = predict(declared, traits, events);
        test.skipIf(prediction.verdict === 'not offered')(
          `${name} is ${prediction.verdict}: ${prediction.because}`,
          async () => {
            const told = await contend(scenario, variant, { name, declared });
            const violations = await audit(scenario, told);
            if (prediction.verdict === 'safe') expect(violations).toEqual([]);
            else expect(violations.map(({ kind }) => kind)).toContain(scenario.registered.race);
            const failed = told.filter(({ kind }) => kind === 'failed' || kind === 'unknown');
            expect(failed).toEqual([]);
          },
        );
      }
    });
  }
}

async function contend(
  scenario: RegisteredScenario,
  variant: string,
  strategy: Parameters<OpenEngine['engine']['serve']>[0]['strategy'],
): Promise<Told[]> {
  const [first] = engines;
  if (!first) throw new Error('no engine is open');
  const rounds = await scenario.registered.load(plan, first.store.query);
  const told: Told[] = [];
  for (const round of rounds) {
    const answers = round.calls.map(async (call, index) => {
      const commandId = randomUUID();
      const open = engines[index % engines.length] ?? first;
      const { outcome, auditKey } = await open.engine.serve({
        scenario: { name: scenario.name, registered: scenario.registered },
        variant,
        strategy,
        commandId,
        input: { params: paramsOf(scenario.registered.path, call.path), body: call.body },
      });
      told.push({ key: auditKey, commandId, kind: outcome.kind, detail: outcome.detail });
    });
    await Promise.all(answers);
  }
  return told;
}

async function audit(scenario: RegisteredScenario, told: readonly Told[]): Promise<Violation[]> {
  const accepted = told.filter(({ kind }) => kind === 'accepted');
  const refused = told.filter(
    ({ kind, detail }) =>
      kind === 'refused' && scenario.registered.exhaustedReasons.includes(detail),
  );
  const rows = await engines[0]?.store.query<Violation>({ text: scenario.auditSql }, [
    [...new Set(told.map(({ key }) => key))],
    accepted.map(({ key }) => key),
    accepted.map(({ commandId }) => commandId),
    [...new Set(refused.map(({ key }) => key))],
  ]);
  return [...(rows ?? [])];
}

function paramsOf(pattern: string, path: string): Record<string, string> {
  const values = path.split('/');
  const names = pattern.split('/');
  return Object.fromEntries(
    names.flatMap((part, index) =>
      part.startsWith(':') ? [[part.slice(1), values[index] ?? '']] : [],
    ),
  );
}
