import type { ClientBase, Pool, QueryConfig } from 'pg';
import type { Logger } from 'pino';
import type { RegisteredStrategy, Registry } from '../engine/registry.ts';
import { anyAssigned } from '../rollout/assignment-schema.ts';
import { Fleet, noneAssignedSql, type Pair } from '../rollout/fleet.ts';
import { strategyNamed } from '../rollout/named.ts';
import type { Deciders } from '../telemetry/deciders.ts';
import type { Meter } from '../telemetry/prometheus.ts';
import type { OutageLog } from './log.ts';

interface WatchOptions {
  readonly pool: Pool;
  readonly registry: Registry;
  readonly strategy: RegisteredStrategy;
  readonly deciders: Deciders;
  readonly meter: Meter;
  readonly log: Logger;
  readonly proves: boolean;
}

const beatMaxMs = 2_000;
const askedMaxMs = 1_000;

/** Why a process without proofs does not start once keys are assigned. */
export const mustProve =
  'A rollout has assigned keys on this database to strategies, and this process would not prove under ' +
  'which one it decides. Start it with ROLLOUTS=1.';

/**
 * For a process without proofs, once the fleet knows of it: keys that are assigned from then on wait for
 * its end, but some may have been assigned while it started.
 */
export async function checkNoneAssigned(pool: Pool): Promise<void> {
  // Postgres is away: nothing is decided, and each work connection is asked when there is one
  const assigned = await anyAssigned(pool).catch(() => false);
  if (assigned) throw new Error(mustProve);
}

/**
 * Asked of each new work connection of such a process. It may have been frozen or cut off for so long
 * that it was forgotten, and keys were assigned: then it serves no more, nor is it ready.
 */
export function mayDecide(tell: OutageLog): (client: ClientBase) => Promise<void> {
  const asked: QueryConfig & { query_timeout: number } = {
    text: noneAssignedSql,
    query_timeout: askedMaxMs,
  };
  return async client => {
    await client.query(asked).catch(error => {
      tell('Postgres', error, 'a connection may decide nothing');
      throw error;
    });
  };
}

/** The fleet, told in the log when it changes, and as a metric. */
export function watchFleet(options: WatchOptions): Fleet {
  const { pool, registry, strategy, deciders, meter, log } = options;
  let told = '';
  let away = false;
  return new Fleet({
    strategy,
    proves: options.proves,
    runSql: async (text, values) => {
      const config = { text, values: [...values], query_timeout: beatMaxMs };
      return (await pool.query(config)).rows;
    },
    find: name => {
      const found = strategyNamed(registry, name);
      return 'strategy' in found ? found.strategy : undefined;
    },
    met: (pairs, strategies) => {
      away = false;
      for (const name of strategies) deciders.learn(name);
      meter.set('lockstep_fleet_unsafe_pairs', {}, pairs.length);
      const now = pairs.map(pair => warningOf(registry, pair)).join(' ');
      if (now !== told && pairs.length > 0) log.warn({ pairs }, now);
      if (now !== told && pairs.length === 0) log.info('the strategies that serve are safe again');
      told = now;
    },
    onError: error => {
      if (!away) log.warn({ err: error }, 'cannot tell who else serves on this database; retrying');
      away = true;
    },
  });
}

/** What is wrong with a fleet, for the log and for /readyz. */
export function warningOf(registry: Registry, [one, other]: Pair): string {
  const middle = strategyNamed(registry, `both:${one}+${other}`);
  const cure =
    'strategy' in middle
      ? `Change over through STRATEGY=${middle.strategy.name}.`
      : 'Stop the processes of one of them.';
  return (
    `Processes under '${one}' and under '${other}' serve on this database, and these are not known to ` +
    `exclude each other: each may let callers in whom the other has let in. ${cure}`
  );
}

/** A warning about the strategy itself; undefined if it has no flaw. */
export function hazardWarning({ name, declared }: RegisteredStrategy): string | undefined {
  const { hazard } = declared;
  return (
    hazard &&
    `STRATEGY is '${name}', a hazard (${hazard.why}); it is here to be seen failing. Use '${hazard.cure}'.`
  );
}
