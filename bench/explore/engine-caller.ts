/** One command under one strategy as an actor of the explorer: the real engine, connected through gates. */
import type {
  Call,
  Outcome,
  Plan,
  Registered,
  Strategy,
  Tuning,
} from '../../src/contract/index.ts';
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
  /** The command that took effect, if this answer repeats an earlier one under the same key. */
  readonly commandId?: string;
}

/** A command with its plan: data that never changes was read before the exploration. */
export interface PlannedCommand extends Command {
  readonly plan: Plan;
  readonly refusal?: Call['refusal'];
}

/** Leases end by an event of the schedule, never because an execution took long. */
const leaseMs = 600_000;
/** Three tries for a polling lock, with the longest pauses: each further try multiplies the orders. */
const pollingWaitMs = 12;
/** Session locks wait at the server, in real time: their timeout must never fire. */
const sessionWaitMs = 60_000;
const attemptsMax = 3;
/** Real time: fires only if the server does not respond at all. */
const lockTimeoutMs = 60_000;
/** Virtual time: a command's deadline ends its attempts, never a statement in flight. */
const beyondMs = 3_600_000;

/** The Redis servers a caller needs. If both, the single node comes first among the cell's URLs. */
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
    const engine = openEngine(urls, needs, { store, tuning: tuningOf(command) });
    const work = { ...command, scenario: planned(command), input: nothing };
    return payingThrough(urls.httpUrls[0], () => answered(engine, work));
  };
}

/** As the HTTP layer would answer: while the key is in use the command is refused and has no effect. */
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
}

/** Each actor has its own stores, connections and guardians; they end with the actor's realm. */
function openEngine(urls: ActorUrls, needs: Needs, { store, tuning }: OwnParts): Engine {
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
    // the longest possible pauses, so the fewest tries
    backends: { ...backends, random: () => 0.999 },
    tuning,
    observer: silent,
  });
}

/** Postgres measures lock_timeout in real time, so a deadline in virtual time must not set it. */
function unhurried(store: Store): Store {
  return {
    query: store.query,
    within: limits => store.within({ ...limits, deadlineMs: limits.deadlineMs + beyondMs }),
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

/** Without the detail of an accepted command: the id of an effect differs between orders. */
function told({ outcome: { kind, detail, attempts }, replayed }: Served): Told {
  const answer = { outcome: kind, detail: kind === 'accepted' ? '' : detail, attempts };
  return { ...answer, ...(replayed && { commandId: replayed.commandId }) };
}

const silent: Observer = {
  phase: () => {},
  failure: () => {},
  release: () => {},
  reachedOut: () => {},
  effectWithoutRecord: () => {},
  outcome: () => {},
};
