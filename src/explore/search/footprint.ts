/**
 * What one step touched, as far as the servers tell. Two steps whose footprints are independent
 * lead to the same state in either order, so only one order need be run.
 */
export interface Footprint {
  /** The actor that took the step, and those that continued because of it. */
  readonly actors: ReadonlySet<number>;
  /** 'anything' depends on every step; unknown steps get it. */
  readonly reach: 'nothing' | 'anything' | 'these';
  /** Relations of the open transaction, each with its strongest lock mode. */
  readonly relations: ReadonlyMap<string, LockStrength>;
  /** Advisory keys that the session holds or held until this step. */
  readonly advisory: ReadonlySet<string>;
  /** Redis keys, `server key`, `server *` for any of them, and whether the step may write them. */
  readonly keys: ReadonlyMap<string, KeyUse>;
  /** The step ends a transaction: what it wrote becomes visible, its locks are given back. */
  readonly ends: boolean;
  /** It does nothing else: the order in which two transactions end is invisible unless one waits. */
  readonly onlyEnds: boolean;
  /** The step may fix the snapshot of a whole transaction (above READ COMMITTED). */
  readonly fixesSnapshot: boolean;
  /** Its transaction may be SERIALIZABLE: what it reads is watched until others have ended, too. */
  readonly serializable: boolean;
  /** It reads the time, or fixes what a transaction takes for it. */
  readonly readsClock: boolean;
  /**
   * The step waits until this connection ends its transaction, and has done nothing yet that another
   * could see but stand in the queue.
   */
  readonly waitsFor?: string | undefined;
  /** The connection whose open transaction the step goes on with: whatever it held, it holds still. */
  readonly goesOn?: string | undefined;
}

/** Reads (AccessShare), writes or locks rows (RowShare, RowExclusive), or locks the table. */
export type LockStrength = 'reads' | 'rows' | 'table';

export type KeyUse = 'reads' | 'writes';

/** A footprint of these actors, with what is given. */
export function footprintOf(
  actors: Iterable<number>,
  reach: Footprint['reach'],
  known: Partial<Footprint> = {},
): Footprint {
  return {
    relations: new Map(),
    advisory: new Set(),
    keys: new Map(),
    ends: false,
    onlyEnds: false,
    fixesSnapshot: false,
    serializable: false,
    readsClock: false,
    ...known,
    actors: new Set(actors),
    reach,
  };
}

/** Sound, not complete: true only where the order cannot matter. */
export function independent(a: Footprint | undefined, b: Footprint | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  for (const actor of a.actors) if (b.actors.has(actor)) return false;
  if (a.readsClock && b.readsClock) return false;
  if (a.reach === 'nothing' || b.reach === 'nothing') return true;
  if (a.reach === 'anything' || b.reach === 'anything') return false;
  if (queues(a, b) || queues(b, a)) return true;
  return keysApart(a, b) && advisoryApart(a, b) && relationsApart(a, b);
}

/**
 * One waits for the end of the other's transaction, which goes on without an end: it would wait as
 * well if it came later. A lock of a table is another matter, since who waits for one is in the way.
 */
function queues(a: Footprint, b: Footprint): boolean {
  if (a.waitsFor === undefined || a.waitsFor !== b.goesOn) return false;
  if (a.serializable && b.serializable) return false;
  return [...a.relations].every(([name, strength]) => {
    return strength !== 'table' && b.relations.get(name) !== 'table';
  });
}

function keysApart(a: Footprint, b: Footprint): boolean {
  for (const [key, use] of a.keys) {
    for (const [other, otherUse] of b.keys) {
      if (use === 'reads' && otherUse === 'reads') continue;
      if (overlap(key, other)) return false;
    }
  }
  return true;
}

/** Server names hold no space, keys may. */
function overlap(a: string, b: string): boolean {
  if (a === b) return true;
  const [server, otherServer] = [a, b].map(one => one.slice(0, one.indexOf(' ')));
  return server === otherServer && (a === anyKeyOf(server) || b === anyKeyOf(server));
}

/** Stands for every key of a server. A key by this name is taken for all of them, too. */
export function anyKeyOf(server: string | undefined): string {
  return `${server} *`;
}

function advisoryApart(a: Footprint, b: Footprint): boolean {
  return [...a.advisory].every(key => !b.advisory.has(key));
}

function relationsApart(a: Footprint, b: Footprint): boolean {
  // Whom the server makes fail follows from the order in which it met conflicts, over all tables.
  if (a.serializable && b.serializable) return false;
  if (publishes(a) && b.fixesSnapshot) return false;
  if (publishes(b) && a.fixesSnapshot) return false;
  if (a.onlyEnds && b.onlyEnds) return true;
  for (const [relation, strength] of a.relations) {
    const other = b.relations.get(relation);
    if (other === undefined) continue;
    if (strength === 'table' || other === 'table') return false;
    // Uncommitted rows are invisible: a read meets a write only when that write is published.
    if (strength === 'reads' && other === 'reads') continue;
    if (strength !== 'reads' && other !== 'reads') return false;
    if (strength !== 'reads' ? a.ends : b.ends) return false;
  }
  return true;
}

/** A transaction ends that may have written something. */
function publishes(one: Footprint): boolean {
  return one.ends && [...one.relations.values()].some(strength => strength !== 'reads');
}

/** The footprint of a step inside which others went on: all that any of them touched. */
export function joined(parts: readonly Footprint[]): Footprint {
  const actors = new Set(parts.flatMap(part => [...part.actors]));
  const readsClock = parts.some(part => part.readsClock);
  if (parts.some(part => part.reach === 'anything')) {
    return footprintOf(actors, 'anything', { readsClock });
  }
  const relations = new Map<string, LockStrength>();
  const keys = new Map<string, KeyUse>();
  for (const part of parts) {
    for (const [key, strength] of part.relations) {
      relations.set(key, stronger(relations.get(key), strength));
    }
    for (const [key, use] of part.keys) {
      keys.set(key, use === 'writes' || keys.get(key) === 'writes' ? 'writes' : 'reads');
    }
  }
  return footprintOf(actors, parts.every(part => part.reach === 'nothing') ? 'nothing' : 'these', {
    relations,
    keys,
    readsClock,
    advisory: new Set(parts.flatMap(part => [...part.advisory])),
    ends: parts.some(part => part.ends),
    onlyEnds: parts.every(part => part.onlyEnds),
    fixesSnapshot: parts.some(part => part.fixesSnapshot),
    serializable: parts.some(part => part.serializable),
    ...inOneTransaction(parts),
  });
}

/** Beside a BEGIN, say; where two did something, neither holds. */
function inOneTransaction(
  parts: readonly Footprint[],
): Pick<Footprint, 'waitsFor' | 'goesOn'> | undefined {
  const [only, ...others] = parts.filter(({ reach }) => reach !== 'nothing');
  return others.length > 0 ? undefined : only && { waitsFor: only.waitsFor, goesOn: only.goesOn };
}

export function weaker(a: LockStrength, b: LockStrength): LockStrength {
  return stronger(a, b) === a ? b : a;
}

export function stronger(a: LockStrength | undefined, b: LockStrength): LockStrength {
  if (a === 'table' || b === 'table') return 'table';
  return a === 'rows' || b === 'rows' ? 'rows' : 'reads';
}
