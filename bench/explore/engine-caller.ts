/** One command under one strategy as an actor of the explorer: the real engine behind the gates. */
import type { Outcome, Plan, Registered, Strategy, Tuning } from '../../src/contract/index.ts';
import type { Command } from '../../src/engine/command.ts';
import { KeyRefused } from '../../src/engine/idempotency.ts';
import type { Observer } from '../../src/engine/observer.ts';
import { Engine, type Served } from '../../src/engine/serve.ts';
import type { ActorUrls } from '../../src/explore/explore.ts';
import { openBackends } from '../../src/store/backends.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { SequelizeStore } from '../../src/store/sequelize.ts';
import type { Store } from '../../src/store/store.ts';
import { payingThrough } from './provider.ts';

/** What a caller was told. `detail` is the reason of a refusal, or the code of a failure. */
export interface Told {
  readonly outcome: Outcome['kind'];
  readonly detail: string;
  readonly attempts: number;
  /** Whose effect it is, where the answer was given before under the same key. */
  readonly commandId?: string;
  /** It sent something outside the database more than once. */
  readonly againAfterEffect?: true;
}

/** A command whose plan is made: what never changes was read before the exploration. */
export interface PlannedCommand extends Command {
  readonly plan: Plan;
}

/** Leases end by an event of the schedule, never because a run took long. */
const leaseMs = 600_000;
/** Three tries of who polls, with the longest pauses: each further try multiplies the orders. */
const pollingWaitMs = 12;
/** Session locks wait at the server, in real time: their limit must never come. */
const sessionWaitMs = 60_000;
const attemptsMax = 3;
/** Real time: only a server that answers nobody is given up. */
const lockTimeoutMs = 60_000;
/** Virtual time: the deadline of a command ends its attempts, and never a statement in flight. */
const beyondMs = 3_600_000;

/** Where a caller's locks live: the single node comes first among the URLs of a cell that has both. */
export interface Needs {
  readonly single: boolean;
  readonly nodes: boolean;
}

/** Independent nodes come in threes. */
const nodesMin = 3;

/** Runs the command when the explorer starts it. */
export function engineCaller(
  commandOf: () => PlannedCommand,
  needs: Needs,
): (urls: ActorUrls) => Promise<Told> {
  return async urls => {
    const command = commandOf();
    const { store } = command.strategy.declared;
    let again = false;
    const observer: Observer = {
      ...silent,
      retryAfterEffect: () => {
        again = true;
      },
    };
    const engine = openEngine(urls, needs, { store, tuning: tuningOf(command), observer });
    const work = { ...command, scenario: planned(command), input: nothing };
    const served = await payingThrough(urls.httpUrls[0], () => answered(engine, work));
    return again ? { ...served, againAfterEffect: true } : served;
  };
}

/** As the edge would answer: who comes while the key is in use is told so, and nothing has happened. */
async function answered(engine: Engine, work: Command): Promise<Told> {
  try {
    return told(await engine.serve(work));
  } catch (error) {
    if (!(error instanceof KeyRefused)) throw error;
    return { outcome: 'busy', detail: `key ${error.reason}`, attempts: 0 };
  }
}

interface OwnParts {
  readonly store: Strategy['store'];
  readonly tuning: Tuning;
  readonly observer: Observer;
}

/** Everything is an actor's own: stores, connections, guardians. Its realm ends them all. */
function openEngine(urls: ActorUrls, needs: Needs, { store, tuning, observer }: OwnParts): Engine {
  const { redisUrls } = urls;
  const first = redisUrls.length % 2 === 0 || redisUrls.length < nodesMin ? 1 : 0;
  const backends = openBackends({
    databaseUrl: urls.pgUrl,
    redisUrl: needs.single ? redisUrls[0] : undefined,
    redisNodeUrls: needs.nodes ? redisUrls.slice(first) : [],
    lockConnectionsMax: 2,
    waitMs: lockTimeoutMs,
    leaseMs,
    connectTimeoutMs: beyondMs,
  });
  const { pgUrl: url } = urls;
  const given = { url, connectionsMax: 2, lockTimeoutMs, connectTimeoutMs: beyondMs };
  return new Engine({
    stores:
      store === 'pg'
        ? { pg: unhurried(new PostgresStore(given)) }
        : { sequelize: unhurried(new SequelizeStore(given)) },
    // the longest pauses there can be: the fewest tries
    backends: { ...backends, random: () => 0.999 },
    tuning,
    observer,
  });
}

/** Postgres counts lock_timeout in real time, so that a deadline in virtual time must not set it. */
function unhurried(store: Store): Store {
  return {
    query: store.query,
    begin: plan => store.begin({ ...plan, deadlineMs: plan.deadlineMs + beyondMs }),
    transact: work => store.transact(work),
    close: () => store.close(),
  };
}

function tuningOf({ strategy }: PlannedCommand): Tuning {
  const polls = strategy.declared.turns.some(turn => turn.heldBy === 'lease');
  const waitMs = polls ? pollingWaitMs : sessionWaitMs;
  return { waitMs, leaseMs, extendLease: true, attemptsMax };
}

const nothing = { params: {}, body: undefined };

function planned({ scenario, plan }: PlannedCommand): Command['scenario'] {
  const registered: Registered = { ...scenario.registered, prepare: async () => plan };
  return { name: scenario.name, registered };
}

/** The id of an effect differs between orders and says nothing. */
function told({ outcome: { kind, detail, attempts }, replayed }: Served): Told {
  const answer = { outcome: kind, detail: kind === 'accepted' ? '' : detail, attempts };
  return { ...answer, ...(replayed && { commandId: replayed.commandId }) };
}

const silent: Observer = {
  phase: () => {},
  failure: () => {},
  release: () => {},
  retryAfterEffect: () => {},
  outcome: () => {},
};
