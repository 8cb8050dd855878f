import { PostgresLane } from '../gate/postgres-gate.ts';
import { labelCharactersMax, redisKeys } from '../gate/redis-command.ts';
import { RedisLane } from '../gate/redis-gate.ts';
import type { Footprint, LockStrength } from '../search/footprint.ts';
import type { PostgresControl } from './postgres-control.ts';
import type { TrackedLane } from './tracked-lane.ts';

interface Held {
  readonly relations: ReadonlyMap<string, LockStrength>;
  readonly advisory: ReadonlySet<string>;
}

const nothing: Held = { relations: new Map(), advisory: new Set() };

/**
 * Asks Postgres what each step touched, by the locks that its backend holds: that reaches through
 * functions, triggers, foreign keys and sequences, where the text of a statement says nothing.
 */
export class Observer {
  readonly #postgres: PostgresControl;
  readonly #snapshotsByDefault: boolean;
  /** What each lane's open transaction held after its last step; its end gives that back. */
  readonly #before = new Map<TrackedLane, Held>();

  constructor(postgres: PostgresControl, snapshotsByDefault: boolean) {
    this.#postgres = postgres;
    this.#snapshotsByDefault = snapshotsByDefault;
  }

  /** Called when the world is at rest after a step of one actor. */
  async touched(actor: number, lanes: readonly TrackedLane[], label: string): Promise<Footprint> {
    const [one] = lanes;
    if (one === undefined) return footprint(actor, 'nothing');
    if (one.lane instanceof RedisLane) return redisFootprint(actor, lanes, label);
    if (!(one.lane instanceof PostgresLane)) return unknown(actor);
    if (/^(begin|start transaction)\b[^;]*$/i.test(label)) return footprint(actor, 'nothing');
    return this.#inPostgres(actor, one, one.lane);
  }

  async #inPostgres(actor: number, one: TrackedLane, lane: PostgresLane): Promise<Footprint> {
    const before = this.#before.get(one);
    const waits = lane.inFlight !== undefined;
    if (lane.transaction === 'I' && !waits) {
      this.#before.delete(one);
      // A statement on its own has given its locks back: nothing tells what it touched.
      if (before === undefined) return unknown(actor);
      return { ...footprint(actor, 'these'), ...before, ends: true };
    }
    const held = await this.#locks(lane.pid ?? 0);
    if (lane.transaction !== 'I') this.#before.set(one, held);
    const keepsSnapshot = this.#snapshotsByDefault || lane.stated.isolation;
    return {
      ...footprint(actor, 'these'),
      relations: held.relations,
      // A key that was given back matters as much as one that was taken.
      advisory: new Set([...(before ?? nothing).advisory, ...held.advisory]),
      // A parked statement may go on to read what it has not locked yet, in the same snapshot.
      fixesSnapshot: (keepsSnapshot && before === undefined) || one.wait === 'phase',
      serializable: keepsSnapshot,
    };
  }

  async #locks(pid: number): Promise<Held> {
    const relations = new Map<string, LockStrength>();
    const advisory = new Set<string>();
    for (const { locktype, mode, key } of await this.#postgres.locks(pid)) {
      if (locktype === 'advisory') advisory.add(key);
      else relations.set(key, stronger(relations.get(key), strengthOf(mode)));
    }
    return { relations, advisory };
  }
}

/** The footprint of a step inside which others went on: all that any of them touched. */
export function joined(parts: readonly Footprint[]): Footprint {
  const [first] = parts;
  if (first === undefined) return footprint(-1, 'nothing');
  if (parts.some(part => part.reach === 'anything')) return unknown(first.actor ?? -1);
  const relations = new Map<string, LockStrength>();
  for (const part of parts) {
    for (const [key, strength] of part.relations) {
      relations.set(key, stronger(relations.get(key), strength));
    }
  }
  return {
    ...first,
    reach: parts.every(part => part.reach === 'nothing') ? 'nothing' : 'these',
    relations,
    advisory: new Set(parts.flatMap(part => [...part.advisory])),
    keys: new Map(parts.flatMap(part => [...part.keys].map(([key]) => [key, 'writes'] as const))),
    ends: parts.some(part => part.ends),
    fixesSnapshot: parts.some(part => part.fixesSnapshot),
    serializable: parts.some(part => part.serializable),
  };
}

/** Depends on everything. */
export function unknown(actor: number): Footprint {
  return footprint(actor, 'anything');
}

function redisFootprint(actor: number, lanes: readonly TrackedLane[], label: string): Footprint {
  const keys = new Map<string, 'reads' | 'writes'>();
  for (const { lane } of lanes) {
    const touched = label.length < labelCharactersMax ? redisKeys(label.split(' ')) : undefined;
    if (touched === undefined) return unknown(actor);
    for (const key of touched.keys) keys.set(`${lane.store} ${key}`, touched.use);
  }
  return { ...footprint(actor, 'these'), keys };
}

function footprint(actor: number, reach: Footprint['reach']): Footprint {
  return {
    actor,
    reach,
    relations: new Map(),
    advisory: new Set(),
    keys: new Map(),
    ends: false,
    fixesSnapshot: false,
    serializable: false,
  };
}

function strengthOf(mode: string): LockStrength {
  if (mode === 'AccessShareLock') return 'reads';
  return mode === 'RowShareLock' || mode === 'RowExclusiveLock' ? 'rows' : 'table';
}

function stronger(a: LockStrength | undefined, b: LockStrength): LockStrength {
  if (a === 'table' || b === 'table') return 'table';
  return a === 'rows' || b === 'rows' ? 'rows' : 'reads';
}
