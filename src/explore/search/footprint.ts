/**
 * What one step touched, as far as the servers tell. Two steps whose footprints are independent
 * lead to the same state in either order, so only one order need be run.
 */
export interface Footprint {
  readonly actor: number | undefined;
  /** 'anything' depends on every step. */
  readonly reach: 'nothing' | 'anything' | 'these';
  /** Relations of the open transaction, each with its strongest lock mode. */
  readonly relations: ReadonlyMap<string, LockStrength>;
  /** Advisory keys that the session holds or held until this step. */
  readonly advisory: ReadonlySet<string>;
  /** Redis keys, `node key`, and whether the step may write them. */
  readonly keys: ReadonlyMap<string, 'reads' | 'writes'>;
  /** The step ends a transaction: what it wrote becomes visible, its locks are given back. */
  readonly ends: boolean;
  /** The step fixes the snapshot of a whole transaction (above READ COMMITTED). */
  readonly fixesSnapshot: boolean;
  readonly serializable: boolean;
}

/** Reads (AccessShare), writes or locks rows (RowShare, RowExclusive), or locks the table. */
export type LockStrength = 'reads' | 'rows' | 'table';

/** Sound, not exact: true only where the order cannot matter. */
export function independent(a: Footprint | undefined, b: Footprint | undefined): boolean {
  if (a === undefined || b === undefined || a.actor === b.actor) return false;
  if (a.reach === 'nothing' || b.reach === 'nothing') return true;
  if (a.reach === 'anything' || b.reach === 'anything') return false;
  return keysApart(a, b) && advisoryApart(a, b) && relationsApart(a, b);
}

function keysApart(a: Footprint, b: Footprint): boolean {
  for (const [key, use] of a.keys) {
    const other = b.keys.get(key);
    if (other !== undefined && (use === 'writes' || other === 'writes')) return false;
  }
  return true;
}

function advisoryApart(a: Footprint, b: Footprint): boolean {
  return [...a.advisory].every(key => !b.advisory.has(key));
}

function relationsApart(a: Footprint, b: Footprint): boolean {
  if (publishes(a) && b.fixesSnapshot) return false;
  if (publishes(b) && a.fixesSnapshot) return false;
  for (const [relation, strength] of a.relations) {
    const other = b.relations.get(relation);
    if (other === undefined) continue;
    if (a.serializable && b.serializable) return false;
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
