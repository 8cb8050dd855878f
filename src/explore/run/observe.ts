import type { Lane, Step } from '../gate/lane.ts';
import { labelCharactersMax } from '../gate/postgres-statement.ts';
import {
  anyKeyOf,
  type Footprint,
  footprintOf,
  joined,
  type KeyUse,
  type LockStrength,
  stronger,
} from '../search/footprint.ts';
import { LaneStates } from './lane-states.ts';
import { type Held, type Named, namedIn, narrowed } from './named-relations.ts';
import { queuing } from './queuing.ts';
import { Said } from './said.ts';
import { reachOf, type StatementReach } from './statement-reach.ts';
import type { Surroundings } from './surroundings.ts';
import type { LaneBook, TrackedLane } from './tracked-lane.ts';

/** A step as it was before it was taken, and who might go on because of it. */
export interface Watched {
  readonly actor: number;
  readonly lanes: readonly TrackedLane[];
  readonly step: Step | undefined;
  readonly waiting: readonly { one: TrackedLane; step: Step | undefined; blockers: string }[];
  /** What each lane's transaction held. */
  readonly held: ReadonlyMap<TrackedLane, Held>;
  readonly states: LaneStates;
}

const nothing: Held = { relations: new Map(), advisory: new Set() };

/**
 * Tells what each step touched. The locks that a session holds also show what was reached through
 * foreign keys and sequences, where a text says nothing; but locks that were given back or never taken
 * leave no trace: after a failed statement, a refused try-lock, a rolled back savepoint. So a step is
 * known only where its text is understood, with all that it may run; others depend on everything.
 */
export class Observer {
  readonly #about: Surroundings;
  readonly #book: LaneBook;
  readonly #held = new Map<TrackedLane, Held>();
  readonly #said: Said;

  constructor(about: Surroundings, book: LaneBook) {
    this.#about = about;
    this.#book = book;
    this.#said = new Said(about);
  }

  /** To be called before a step of one actor; `asks` says whether `touched` will be called. */
  async watch(
    actor: number,
    lanes: readonly TrackedLane[],
    step: Step | undefined,
    asks: boolean,
  ): Promise<Watched> {
    const held = new Map<TrackedLane, Held>();
    for (const one of lanes) {
      const open = one.lane.transaction !== 'I';
      if (open && asks) held.set(one, this.#held.get(one) ?? (await this.#locks(one.lane.pid)));
      this.#held.delete(one);
    }
    const waiting = this.#book
      .flying()
      .filter(one => !lanes.includes(one))
      .map(one => ({ one, step: one.lane.inFlight, blockers: one.blockers.join() }));
    return { actor, lanes, step, waiting, held, states: new LaneStates(this.#book) };
  }

  /** To be called after every step, at rest: what it said may hold for later ones. */
  note(watched: Watched): void {
    const [first] = watched.lanes;
    if (first !== undefined) this.#said.heed(first, watched.step);
    for (const { one, step } of wentOn(watched)) {
      this.#held.delete(one);
      this.#said.heed(one, step);
    }
  }

  /** What was touched by the step and by those that it let continue. To be called before `note`. */
  async touched(watched: Watched): Promise<Footprint> {
    const { actor, lanes, step, states } = watched;
    const [first] = lanes;
    const parts: Footprint[] = [];
    if (first === undefined) parts.push(footprintOf([actor], 'nothing'));
    else parts.push(await this.#of(first, lanes, step, watched.held.get(first)));
    for (const { one, step: freed } of wentOn(watched)) {
      parts.push(await this.#of(one, [one], freed, undefined));
    }
    if (states.changed(this.#book, ended(watched))) parts.push(unknown(actor));
    return joined(parts);
  }

  async #of(
    one: TrackedLane,
    lanes: readonly TrackedLane[],
    step: Step | undefined,
    before: Held | undefined,
  ): Promise<Footprint> {
    const { lane, actor } = one;
    if (lane.evidence === 'keys') return redisFootprint(actor, lanes);
    if (lane.evidence === 'none' || step === undefined) return unknown(actor);
    const said = reachOf(step.label);
    const known = await this.#inPostgres(one, lane, step, said, before);
    return { ...known, readsClock: this.#readsClock(lane, said) };
  }

  /** BEGIN fixes what now() tells in its transaction; a statement on its own reads it then. */
  #readsClock(lane: Lane, said: StatementReach): boolean {
    const { clockWasRead, catalogue } = this.#about;
    if (said.reach === 'begin') return clockWasRead || catalogue.stampsRows;
    if (lane.transaction === 'I') return said.readsClock || (said.fills && catalogue.stampsRows);
    return said.readsMoment || (said.fills && catalogue.stampsAtOnce);
  }

  async #inPostgres(
    one: TrackedLane,
    lane: Lane,
    step: Step,
    said: StatementReach,
    before: Held | undefined,
  ): Promise<Footprint> {
    const { actor } = one;
    const waits = lane.inFlight !== undefined;
    const failed =
      !waits && /\berror\b|connection closed/.test(lane.result) && !refusedAlone(lane, said);
    const cut = step.label.length >= labelCharactersMax;
    if (failed || cut || step.role === 'message') return unknown(actor);
    if (said.reach === 'begin' || said.reach === 'arranges') {
      return waits ? unknown(actor) : footprintOf([actor], 'nothing');
    }
    if (said.reach === 'commits' || said.reach === 'rolls back') {
      const certain = !waits && before !== undefined && lane.transaction === 'I';
      return certain ? this.#ended(one, said, before) : unknown(actor);
    }
    if (said.reach === 'unknown') return unknown(actor);
    const named = this.#said.defined ? undefined : namedIn(step.label, this.#about.catalogue);
    if (waits || lane.transaction === 'T') return this.#withLocks(one, lane, before, named);
    return this.#alone(one, named);
  }

  /** A statement on its own has given its locks back: what it names is all that it touched. */
  #alone(one: TrackedLane, named: Named | undefined): Footprint {
    if (named === undefined || named.advisory || this.#said.keepsSnapshot(one))
      return unknown(one.actor);
    return footprintOf([one.actor], 'these', { relations: named.relations, ends: true });
  }

  async #withLocks(
    one: TrackedLane,
    lane: Lane,
    before: Held = nothing,
    named: Named | undefined,
  ): Promise<Footprint> {
    const held = await this.#locks(lane.pid);
    if (lane.transaction !== 'I') this.#held.set(one, held);
    const known = this.#known(held);
    if (known === undefined) return unknown(one.actor);
    const keepsSnapshot = this.#said.keepsSnapshot(one);
    const parked = one.wait === 'phase';
    const fixesSnapshot = (keepsSnapshot && !this.#said.hasLooked(one)) || parked;
    const all = { ...known, advisory: new Set([...before.advisory, ...held.advisory]) };
    return footprintOf([one.actor], 'these', {
      ...(named === undefined ? all : narrowed(all, named)),
      ...(named !== undefined && queuing(one, named, this.#book)),
      fixesSnapshot,
      serializable: keepsSnapshot,
    });
  }

  #ended(one: TrackedLane, { reach }: StatementReach, before: Held): Footprint {
    const known = this.#known(before);
    const { defersToCommit } = this.#about.catalogue;
    const acts = reach === 'commits' && (defersToCommit || this.#said.signals(one));
    if (acts || known === undefined) return unknown(one.actor);
    const serializable = this.#said.keepsSnapshot(one);
    const relations = new Map(
      [...(known.relations ?? [])].filter(([name]) => {
        return this.#about.catalogue.relations.get(name) !== 'immediate'; // its numbers are out
      }),
    );
    // What is rolled back was never visible: only its locks are given back.
    const ends = reach === 'commits';
    const more = { ends, onlyEnds: true, serializable };
    return footprintOf([one.actor], 'these', { ...known, relations, ...more });
  }

  /** Undefined where something was locked that may have run more than the text says. */
  #known({ relations, advisory }: Held): Held | undefined {
    const { catalogue } = this.#about;
    if (catalogue.runsUnseen) return undefined;
    const strengths = new Map<string, LockStrength>();
    for (const [name, strength] of relations) {
      const kind = catalogue.relations.get(name);
      if (kind === undefined) return undefined;
      strengths.set(name, kind === 'immediate' ? 'table' : strength);
    }
    return { relations: strengths, advisory };
  }

  async #locks(pid: number | undefined): Promise<Held> {
    const relations = new Map<string, LockStrength>();
    const advisory = new Set<string>();
    for (const { locktype, mode, key } of await this.#about.postgres.locks(pid ?? 0)) {
      if (locktype === 'advisory') advisory.add(key);
      else relations.set(key, stronger(relations.get(key), strengthOf(mode)));
    }
    return { relations, advisory };
  }
}

/** A constraint rejected an autocommit statement, which left nothing behind and names what it read. */
function refusedAlone({ transaction, result }: Lane, { reach }: StatementReach): boolean {
  return reach === 'touches rows' && transaction === 'I' && /^error 23/.test(result);
}

/** The lane whose transaction the step ended, if it did. */
function ended({ lanes: [first], step }: Watched): Lane | undefined {
  const { reach } = reachOf(step?.label ?? '');
  return reach === 'commits' || reach === 'rolls back' ? first?.lane : undefined;
}

/** Depends on everything. */
export function unknown(actor: number): Footprint {
  return footprintOf([actor], 'anything');
}

/** Waiters that got their answer by the step, or moved up in their queue. */
function wentOn({ waiting }: Watched): Watched['waiting'] {
  return waiting.filter(({ one, step, blockers }) => {
    return one.lane.inFlight !== step || one.blockers.join() !== blockers;
  });
}

/** Every key that the commands name; all keys of the server where one may reach others. */
function redisFootprint(actor: number, lanes: readonly TrackedLane[]): Footprint {
  const keys = new Map<string, KeyUse>();
  for (const { lane } of lanes) {
    if (lane.evidence !== 'keys' || lane.wait !== undefined) return unknown(actor);
    const touched = lane.lastTouched;
    if (touched === undefined) keys.set(anyKeyOf(serverOf(lane)), 'writes');
    else for (const key of touched.keys) keys.set(`${serverOf(lane)} ${key}`, touched.use);
  }
  return footprintOf([actor], 'these', { keys });
}

function serverOf({ store }: Lane): string {
  return store.replaceAll(' ', '-');
}

function strengthOf(mode: string): LockStrength {
  if (mode === 'AccessShareLock') return 'reads';
  return mode === 'RowShareLock' || mode === 'RowExclusiveLock' ? 'rows' : 'table';
}
