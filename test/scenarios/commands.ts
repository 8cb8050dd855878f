import { randomUUID } from 'node:crypto';
import {
  type Input,
  type Outcome,
  type Strategy,
  strategy,
  type Violation,
  type Wording,
} from '../../src/contract/index.ts';
import type { RegisteredScenario, Registry } from '../../src/engine/registry.ts';
import type { OpenEngine } from '../fixtures/engines.ts';
import { until } from '../fixtures/gate.ts';
import type { Session } from '../fixtures/session.ts';

/** The scenario by name, so that a test file needs no check of its own. */
export function scenarioNamed(registry: Registry, name: string): RegisteredScenario {
  const scenario = registry.scenarios.get(name);
  if (!scenario) throw new Error(`there is no scenario ${name}`);
  return scenario;
}

/** A strategy that runs one wording and takes nothing unless told: for commands that come one at a time. */
export function worded(wording: Wording, facts: Partial<Strategy> = {}): Strategy {
  return strategy({ title: wording, wording, ...facts });
}

export interface Sent {
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  readonly strategy: Strategy;
  readonly input: Input;
  readonly commandId?: string;
}

/** Runs one command to its outcome. */
export async function serveOne(open: OpenEngine, sent: Sent): Promise<Outcome> {
  const { scenario, variant, strategy: declared, input, commandId = randomUUID() } = sent;
  const { outcome } = await open.engine.serve({
    scenario: { name: scenario.name, registered: scenario.registered },
    variant,
    strategy: { name: declared.title, declared },
    commandId,
    input,
  });
  return outcome;
}

/** `accepted`, or the detail of any other end. */
export const toldOf = ({ kind, detail }: Outcome): string => (kind === 'accepted' ? kind : detail);

/** What callers were told, as the audit takes it. */
export interface Claimed {
  readonly acknowledged?: readonly (readonly [key: string, commandId: string])[];
  readonly refusedKeys?: readonly string[];
}

/** The scenario's audit of these keys. */
export async function auditOf(
  open: OpenEngine,
  { auditSql }: RegisteredScenario,
  keys: readonly string[],
  { acknowledged = [], refusedKeys = [] }: Claimed = {},
): Promise<readonly Violation[]> {
  return open.store.query<Violation>({ text: auditSql }, [
    [...keys],
    acknowledged.map(([key]) => key),
    acknowledged.map(([, commandId]) => commandId),
    [...refusedKeys],
  ]);
}

/** Calls one of the scenario's own routes, as the edge would. */
export async function callRoute(
  open: OpenEngine,
  { registered }: RegisteredScenario,
  method: 'get' | 'post',
  path: string,
  input: Partial<Input> = {},
): Promise<{ readonly status: number; readonly body: object }> {
  const route = registered.routes.find(one => one.method === method && one.path === path);
  if (!route) throw new Error(`there is no route ${method} ${path}`);
  return open.store.transact(query =>
    route.handle({ params: input.params ?? {}, body: input.body }, query),
  );
}

/** The id in the body of an answer. */
export function idOf(answer: { readonly body: object }): string {
  if ('id' in answer.body && typeof answer.body.id === 'string') return answer.body.id;
  throw new Error('the answer has no id');
}

/** Waits until Postgres says that somebody waits for a lock that `holder` holds. */
export async function somebodyWaitsFor(holder: Session, observer: Session): Promise<void> {
  const text = `select exists (select from pg_stat_activity where ${holder.pid} = any (pg_blocking_pids(pid)))`;
  await until('somebody waits for the holder', async () => (await observer.value(text)) === true);
}
