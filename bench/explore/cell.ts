/** One cell: callers of one key, each under a strategy of its own, explored and held to the claim. */

import { type RedisNeeds, redisNeedsOf } from '../../src/contract/index.ts';
import { idempotencySql } from '../../src/engine/idempotency.ts';
import type { RegisteredScenario, RegisteredStrategy } from '../../src/engine/registry.ts';
import {
  type Actor,
  type ActorEnd,
  type Exploration,
  type ExploreOptions,
  explore,
  type Subject,
} from '../../src/explore/explore.ts';
import { type Asked, auditWithClaims, toldOf } from './claims-sql.ts';
import { againOf, commandsOf, equalCallers } from './commands.ts';
import { engineCaller, type Needs, type PlannedCommand } from './engine-caller.ts';
import { ownProgram } from './own-process.ts';
import { keepBooksIn, providerUrl } from './provider.ts';
import type { Round } from './rounds.ts';

export interface CellPlan {
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  /** One per caller. */
  readonly strategies: readonly RegisteredStrategy[];
  readonly round: Round;
  /** Where strategies from outside are loaded from, by a caller in a process of its own. */
  readonly strategyFiles: readonly string[];
}

export interface CellServers {
  readonly pgUrl: string;
  readonly redisUrl: string;
  readonly redisNodeUrls: readonly string[];
}

/** Which Redis servers the callers' locks live in. */
export function serversOf(
  { strategies }: CellPlan,
  { pgUrl, redisUrl, redisNodeUrls }: CellServers,
): { readonly pgUrl: string; readonly redisUrls: readonly string[] } {
  const needs = strategies.map(needsOf);
  const single = needs.some(({ one }) => one);
  const several = needs.some(({ several }) => several);
  return { pgUrl, redisUrls: [...(single ? [redisUrl] : []), ...(several ? redisNodeUrls : [])] };
}

/** A lease from outside that says nothing of what it needs gets the single node. */
export function needsOf({ declared }: RegisteredStrategy): RedisNeeds {
  const { adoption, turns } = declared;
  const leases = turns.some(({ heldBy }) => heldBy === 'lease');
  const needs = redisNeedsOf(declared);
  return adoption.newDependency === undefined && leases ? { ...needs, one: true } : needs;
}

/** Explores the cell. Does not throw for what a strategy does wrong. */
export async function exploreCell(
  plan: CellPlan,
  servers: CellServers,
  options: Omit<ExploreOptions, 'servers'>,
  judging: Pick<Subject, 'judge' | 'ignore'> = {},
): Promise<Exploration> {
  const httpUrls = [await providerUrl()];
  const own = { ...options, ...(plan.strategies.some(inProcess) && inProcesses) };
  const { subject, identical } = madeOf(plan);
  const judged = { ...subject, ...judging };
  return explore(judged, {
    identical,
    isolated: plan.strategies.every(one => sharesNothing(one, plan)),
    ...own,
    servers: { ...serversOf(plan, servers), httpUrls },
  });
}

/** Each caller has an engine of its own; what a file from outside keeps in its module is not known. */
function sharesNothing(one: RegisteredStrategy, { strategyFiles }: CellPlan): boolean {
  return !inProcess(one) && !strategyFiles.includes(one.file);
}

/** A lock that lives in a process needs callers in processes of their own. */
function inProcess({ declared }: RegisteredStrategy): boolean {
  return declared.turns.some(turn => turn.heldBy === 'process');
}

/** A process for each caller of each order: far fewer orders, and no event but the rivals. */
const inProcesses = { events: [], preemptions: 1, firstOnly: true } as const;

/** What the explorer is given: the scenario's schema and load, the callers, the judge. */
export function subjectOf(plan: CellPlan): Subject {
  return madeOf(plan).subject;
}

export interface Made {
  readonly subject: Subject;
  /** What the callers send; filled when the subject is prepared. */
  readonly commands: readonly PlannedCommand[];
  /** Known when the subject is prepared: what callers send is made with the rows. */
  readonly identical: () => string[][];
}

/** The subject of a cell with the commands of its callers. */
export function madeOf(plan: CellPlan): Made {
  const { scenario, strategies } = plan;
  const commands: PlannedCommand[] = [];
  const asked = (): Asked[] =>
    commands.map(({ plan: { auditKey: key }, commandId, idempotency, refusal }) => {
      return { key, commandId, oneOf: idempotency?.key, refusal };
    });
  const callerAt = (index: number): Actor =>
    callerOf(plan, strategies[index], () => commands[index]);
  const names = callerNames(plan);
  const subject: Subject = {
    setup: `${scenario.schemaSql};\n${idempotencySql}`, // audits look at the keys in every round
    prepare: async pgUrl => {
      await keepBooksIn(pgUrl);
      commands.splice(0, commands.length, ...(await commandsOf(plan, pgUrl)));
    },
    audit: ends => auditWithClaims(judgeOf(scenario), asked(), ends),
    actors: Object.fromEntries(names.map((name, index) => [name, callerAt(index)])),
    // whoever comes when all is over, and every lease has passed, gets a turn
    probe: callerOf(plan, strategies[0], () => commands[0] && againOf(commands[0])),
    checkProbe: end => (served(end) ? [] : [`stuck: a fresh caller is told ${toldText(end)}`]),
  };
  return { subject, commands, identical: () => equalCallers(names, commands) };
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
  const { one, several } = needsOf(strategy);
  const needs = { single: one, nodes: several };
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
      const { scenario, variant, strategy, commandId, input, idempotency } = command;
      const names = { scenario: scenario.name, variant, strategy: strategy.name };
      const spec = { ...names, strategyFiles, commandId, input, idempotency, needs };
      return [process.execPath, ...execArgv, file, JSON.stringify(spec)];
    },
  };
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
