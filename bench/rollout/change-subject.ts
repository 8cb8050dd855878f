/**
 * A change of strategy as something to explore: callers who believe in the old epoch, callers who read
 * which one is valid, and the mover itself, on the real engine and servers.
 */
import pg from 'pg';
import type { Assigner } from '../../src/engine/assigner.ts';
import type {
  RegisteredScenario,
  RegisteredStrategy,
  Registry,
} from '../../src/engine/registry.ts';
import type { Actor, ActorUrls, Subject } from '../../src/explore/explore.ts';
import { assignerOf } from '../../src/rollout/assigner.ts';
import { addGates, assignmentSchema } from '../../src/rollout/assignment-schema.ts';
import { type AssignmentRow, Assignments } from '../../src/rollout/assignments.ts';
import { groupsOf } from '../../src/rollout/key-groups.ts';
import { assignPlace, changeGroup } from '../../src/rollout/mover.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { CuttableClient, clientAt } from '../../src/store/connection.ts';
import { type CellPlan, madeOf, needsOf } from '../explore/cell.ts';
import { engineCaller, type PlannedCommand } from '../explore/engine-caller.ts';
import { plain, roundOf } from '../explore/rounds.ts';

/**
 * How a caller knows which strategy decides: it has read its assignment before the change, it reads it when
 * it begins, or it believes already what will be.
 */
export type Knows = 'the old epoch' | 'what it reads' | 'the new epoch';

/** A change to explore. */
export interface ChangePlan {
  readonly registry: Registry;
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  readonly from: RegisteredStrategy;
  readonly to: RegisteredStrategy;
  readonly callers: readonly Knows[];
  /** The mover goes back behind its change. */
  readonly back?: true;
  /** The usual way, as a control: a flag that each request reads, and nothing that proves it. */
  readonly naive?: true;
}

const setupMs = 30_000;
/** Real time, at the server: nobody is inside for so long. */
const pauseMs = 60_000;

/** The subject, and the cell whose servers it needs. */
export function changeSubject(plan: ChangePlan): {
  readonly subject: Subject;
  readonly cell: CellPlan;
} {
  const cell = cellOf(plan);
  const { subject: usual, commands } = madeOf(cell);
  const before: AssignmentRow[] = [];
  const callers = plan.callers.map((knows, index): [string, Actor] => [
    `caller ${index + 1}, who knows ${knows}`,
    callerOf(plan, knows, () => commands[index], before),
  ]);
  const subject: Subject = {
    ...usual,
    prepare: async (pgUrl, redisUrls) => {
      await usual.prepare?.(pgUrl, redisUrls);
      before.splice(0, before.length, ...(await assigned(plan, commands, pgUrl)));
    },
    actors: { ...Object.fromEntries(callers), mover: moverOf(plan, before) },
  };
  return { subject, cell };
}

function cellOf({ scenario, variant, from, to, callers }: ChangePlan): CellPlan {
  const traits = scenario.registered.variants[variant];
  if (!traits) throw new Error(`${scenario.name} has no variant '${variant}'`);
  // whoever asks afterwards asks under the new one
  const strategies = callers.map((_, index) => (index === 0 ? to : from));
  return { scenario, variant, strategies, round: roundOf(traits, plain), strategyFiles: [] };
}

/** All keys of the callers, under the old strategy in epoch 1. */
async function assigned(
  { scenario, variant, from }: ChangePlan,
  commands: readonly PlannedCommand[],
  pgUrl: string,
): Promise<AssignmentRow[]> {
  const groups = groupsOf(commands.flatMap(({ plan }) => plan.keys));
  const client = new CuttableClient({ connectionString: pgUrl, query_timeout: setupMs });
  await client.connect();
  try {
    const place = { scenario: scenario.name, variant };
    await client.query(assignmentSchema.schemaSql);
    await addGates(client, [place]);
    const first = { ...place, strategy: from.name, groups };
    await assignPlace(client, first, pauseMs);
    const { rows } = await client.query<AssignmentRow>(
      `select scenario, variant, key_group, epoch, strategy, null as closing_ms
       from lockstep_assignments`,
    );
    return rows;
  } finally {
    await client.end();
  }
}

function callerOf(
  plan: ChangePlan,
  knows: Knows,
  commandOf: () => PlannedCommand | undefined,
  before: readonly AssignmentRow[],
): Actor {
  const { from, to } = plan;
  const [one, other] = [needsOf(from), needsOf(to)];
  const needs = { single: one.one || other.one, nodes: one.several || other.several };
  return engineCaller(
    () => {
      const command = commandOf();
      if (command === undefined) throw new Error('the commands have not been made');
      return { ...command, strategy: from, mayRunUnder: [from, to] };
    },
    needs,
    urls => knowing(plan, knows, urls, before),
  );
}

/** Reads through its own gate: when it does is part of the order. */
function knowing(
  { registry, naive, to: { name: to } }: ChangePlan,
  knows: Knows,
  { pgUrl }: ActorUrls,
  before: readonly AssignmentRow[],
): Assigner {
  const pool = new pg.Pool({ connectionString: pgUrl, max: 1, Client: clientAt(pgUrl) });
  pool.on('error', () => {}); // the next query reports it
  const told: (readonly AssignmentRow[])[] = [];
  if (knows === 'the old epoch') told.push(before);
  if (knows === 'the new epoch')
    told.push(before.map(row => ({ ...row, epoch: '2', strategy: to })));
  const beliefs = new Assignments({
    runSql: async text => {
      return told.pop() ?? opened((await pool.query<AssignmentRow>(text)).rows);
    },
    onError: () => {}, // the proof tells
  });
  const assigner = assignerOf(beliefs, registry);
  let first: Promise<void> | undefined;
  return {
    async assign(...command) {
      first ??= beliefs.refresh();
      await first;
      const { strategy, proof } = await assigner.assign(...command);
      return naive ? { strategy } : { strategy, ...(proof !== undefined && { proof }) };
    },
    refresh: () => assigner.refresh(),
  };
}

/** Real time makes no steps: whoever could wait in the process goes to the gate at once. */
function opened(rows: readonly AssignmentRow[]): AssignmentRow[] {
  return rows.map(row => ({ ...row, closing_ms: null }));
}

function moverOf({ from, to, back }: ChangePlan, before: readonly AssignmentRow[]): Actor {
  return async ({ pgUrl }) => {
    const client = new CuttableClient({ connectionString: pgUrl });
    await client.connect();
    const ways = back ? [to.name, from.name] : [to.name];
    const ends: string[] = [];
    for (const [index, name] of ways.entries())
      for (const { scenario, variant, key_group: group } of before) {
        const change = { scenario, variant, group, epoch: BigInt(index + 1), to: name };
        ends.push((await changeGroup(client, change, pauseMs)).kind);
      }
    await client.end();
    return ends.join();
  };
}

/** A strategy of the registry. Throws for an unknown one. */
export function namedIn(registry: Registry, name: string): RegisteredStrategy {
  const found = strategyNamed(registry, name);
  if ('strategy' in found) return found.strategy;
  throw new Error(`there is no strategy '${name}'`);
}
