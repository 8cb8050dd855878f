/** One cell: callers of one key, each under a strategy of its own, explored and held to the claim. */
import type { Call, Input } from '../../src/contract/index.ts';
import type { RegisteredScenario, RegisteredStrategy } from '../../src/engine/registry.ts';
import {
  type Actor,
  type ActorEnd,
  type Exploration,
  type ExploreOptions,
  explore,
  type Subject,
} from '../../src/explore/explore.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { type Asked, auditWithClaims, toldOf } from './claims-sql.ts';
import { engineCaller, type Needs, type PlannedCommand } from './engine-caller.ts';
import { ownProgram } from './own-process.ts';
import { keepBooksIn, providerUrl } from './provider.ts';

export interface CellPlan {
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  /** One per caller. */
  readonly strategies: readonly RegisteredStrategy[];
  /** Callers come in pairs that send the same call. */
  readonly doubleTap: boolean;
  /** The key has room for two, where the scenario has such keys, and one rival more who never comes. */
  readonly couple: boolean;
  /** Where strategies from outside are loaded from, by a caller in a process of its own. */
  readonly strategyFiles: readonly string[];
}

export interface CellServers {
  readonly pgUrl: string;
  readonly redisUrl: string;
  readonly redisNodeUrls: readonly string[];
}

const setupMs = 30_000;

/** Which Redis servers the callers' locks live in. */
export function serversOf(
  { strategies }: CellPlan,
  { pgUrl, redisUrl, redisNodeUrls }: CellServers,
): { readonly pgUrl: string; readonly redisUrls: readonly string[] } {
  const single = strategies.some(one => needsRedis(one));
  const several = strategies.some(one => needsNodes(one));
  return { pgUrl, redisUrls: [...(single ? [redisUrl] : []), ...(several ? redisNodeUrls : [])] };
}

function needsNodes({ declared }: RegisteredStrategy): boolean {
  return declared.adoption.newDependency === 'several redis nodes';
}

function needsRedis({ declared }: RegisteredStrategy): boolean {
  const { adoption, turns } = declared;
  return (
    adoption.newDependency === 'redis' ||
    (adoption.newDependency === undefined && turns.some(turn => turn.heldBy === 'lease'))
  );
}

/** Explores the cell. Does not throw for what a strategy does wrong. */
export async function exploreCell(
  plan: CellPlan,
  servers: CellServers,
  options: Omit<ExploreOptions, 'servers'>,
): Promise<Exploration> {
  const httpUrls = [await providerUrl()];
  const own = { ...options, ...(plan.strategies.some(inProcess) && inProcesses) };
  const subject = subjectOf(plan);
  const alike = new Set(plan.strategies).size === 1;
  const identical = alike ? { identical: [Object.keys(subject.actors)] } : {};
  return explore(subject, {
    ...identical,
    ...own,
    servers: { ...serversOf(plan, servers), httpUrls },
  });
}

/** A lock that lives in a process needs callers in processes of their own. */
function inProcess({ declared }: RegisteredStrategy): boolean {
  return declared.turns.some(turn => turn.heldBy === 'process');
}

/** A process for each caller of each order: far fewer orders, and no event but the rivals. */
const inProcesses = { events: [], preemptions: 1, firstOnly: true } as const;

/** What the explorer is given: the scenario's schema and load, the callers, the judge. */
export function subjectOf(plan: CellPlan): Subject {
  const { scenario, strategies } = plan;
  const commands: PlannedCommand[] = [];
  const asked = (): Asked[] =>
    commands.map(({ plan: { auditKey: key }, commandId }) => ({ key, commandId }));
  const callerAt = (index: number): Actor =>
    callerOf(plan, strategies[index], () => commands[index]);
  const names = callerNames(plan);
  return {
    setup: scenario.schemaSql,
    prepare: async pgUrl => {
      await keepBooksIn(pgUrl);
      commands.splice(0, commands.length, ...(await commandsOf(plan, pgUrl)));
    },
    audit: ends => auditWithClaims(judgeOf(scenario), asked(), ends),
    actors: Object.fromEntries(names.map((name, index) => [name, callerAt(index)])),
    // whoever comes when all is over, and every lease has passed, gets a turn
    probe: callerOf(plan, strategies[0], () => againOf(commands[0])),
    probeIf: ends => ends.some(end => !served(end)),
    checkProbe: end => (served(end) ? [] : [`stuck: a fresh caller is told ${toldText(end)}`]),
  };
}

/** Their strategies are named only where they differ. */
export function callerNames({ strategies }: CellPlan): string[] {
  const alike = new Set(strategies).size === 1;
  return strategies.map(({ name }, at) =>
    alike ? `caller ${at + 1}` : `caller ${at + 1}, ${name}`,
  );
}

function judgeOf({ auditSql, registered }: RegisteredScenario) {
  return { auditSql, exhaustedReasons: registered.exhaustedReasons };
}

function callerOf(
  plan: CellPlan,
  strategy: RegisteredStrategy | undefined,
  commandOf: () => PlannedCommand | undefined,
): Actor {
  if (strategy === undefined)
    throw new Error(`${plan.scenario.name} has a caller without a strategy`);
  const needs = { single: needsRedis(strategy), nodes: needsNodes(strategy) };
  if (inProcess(strategy)) return processOf(plan, needs, commandOf);
  return engineCaller(() => {
    const command = commandOf();
    if (command === undefined) throw new Error('the commands have not been made');
    return command;
  }, needs);
}

/** The same in a process of its own; what it is called with is known when it is started. */
function processOf(
  { strategyFiles }: CellPlan,
  needs: Needs,
  commandOf: () => PlannedCommand | undefined,
): Actor {
  const { file, execArgv } = ownProgram('caller-process');
  return {
    get command(): [string, ...string[]] {
      const command = commandOf();
      if (command === undefined) throw new Error('the commands have not been made');
      const { scenario, variant, strategy, commandId, input } = command;
      const names = { scenario: scenario.name, variant, strategy: strategy.name };
      const spec = { ...names, strategyFiles, commandId, input, needs };
      return [process.execPath, ...execArgv, file, JSON.stringify(spec)];
    },
  };
}

/** The same call once more, as another command. */
function againOf(command: PlannedCommand | undefined): PlannedCommand | undefined {
  return command && { ...command, commandId: commandIdOf(99) };
}

function served(end: ActorEnd | undefined): boolean {
  const outcome = toldOf(end)?.outcome;
  // a process that ended well was served, and does not say how
  if (outcome === undefined) return end?.kind === 'returned';
  return outcome === 'accepted' || outcome === 'refused';
}

function toldText(end: ActorEnd | undefined): string {
  const told = toldOf(end);
  return told === undefined ? 'nothing' : `${told.outcome} (${told.detail})`;
}

/** Has the scenario's load make fresh rows and reads what each command needs to know beforehand. */
async function commandsOf(plan: CellPlan, pgUrl: string): Promise<PlannedCommand[]> {
  const { scenario, variant, strategies, doubleTap, couple } = plan;
  const { registered } = scenario;
  if (couple && !registered.couples)
    throw new Error(`${scenario.name} has no keys with room for two: leave out --couple`);
  const store = new PostgresStore({ url: pgUrl, connectionsMax: 1, lockTimeoutMs: setupMs });
  try {
    const callers = strategies.length;
    const load = {
      rounds: 1,
      rivals: (doubleTap ? Math.ceil(callers / 2) : callers) + (couple ? 1 : 0),
      doubleTapShare: doubleTap ? 1 : 0,
      random: () => (couple ? 0 : 0.5), // the lowest number makes the request of a couple
    };
    const [round] = await store.transact(query => registered.load(load, query));
    const calls = round?.calls.slice(0, callers) ?? [];
    if (calls.length < callers)
      throw new Error(`${scenario.name} has too few calls for ${callers}`);
    const commands: PlannedCommand[] = [];
    for (const [index, call] of calls.entries()) {
      const strategy = strategies[index];
      if (strategy === undefined) continue;
      const input = inputOf(registered.path, call);
      const prepared = await registered.prepare(variant, input, store.query);
      const commandId = commandIdOf(index + 1);
      commands.push({ scenario, variant, strategy, commandId, input, plan: prepared });
    }
    return commands;
  } finally {
    await store.close();
  }
}

function commandIdOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
}

/** A call's parameters, read from its path as the service's router would. */
function inputOf(template: string, { path, body }: Call): Input {
  const given = path.split('/');
  const params = template.split('/').flatMap((part, at) => {
    return part.startsWith(':') ? [[part.slice(1), given[at]]] : [];
  });
  return { params: Object.fromEntries(params), body };
}
