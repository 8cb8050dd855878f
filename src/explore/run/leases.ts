import { shapeOf } from '../gate/lane.ts';
import type { Arena } from './arena.ts';
import { realNow } from './arena.ts';
import { endAllKeys, endKeys, nameOf, type VolatileKey, volatileKeys } from './redis-leases.ts';
import { endRow, type HeldRow, heldRows, type RowLease } from './row-leases.ts';

/** Something that ends by itself when its time has passed. */
interface Lease {
  readonly name: string;
  /** A key, or a lease in a row. */
  key: VolatileKey | undefined;
  row: HeldRow | undefined;
  /** The length that its holder asked for; undefined where it is not known. */
  lengthMs: number | undefined;
  /** The point of the order at which it was first seen with this length. */
  since: number;
  /** Time that has passed for it by events. */
  passedMs: number;
}

/** Leases that end at the same moment, with those that end before. */
export interface LeaseEnd {
  /** The same in every run: masked names. */
  readonly shape: string;
  readonly leases: readonly Lease[];
  /** The time that passes; undefined where it is not known how long a lease in a row lasts. */
  readonly ms: number | undefined;
}

/**
 * The leases of one order. The servers' clocks go on in real time and nothing else passes there, so
 * what is left to a key is its length less some milliseconds of this run: lengths are taken to be
 * the roundest within what has passed since it was last looked at, so that they are equal in every run.
 */
export class Leases {
  readonly #arena: Arena;
  readonly #rows: readonly RowLease[];
  /** Keys that live longer are stored data, and no event ends them. */
  readonly lengthMaxMs: number;
  readonly #known = new Map<string, Lease>();
  /** Keys that live longer than a lease: `idem:req-1 lives 86 400 s`. */
  readonly kept = new Set<string>();
  /** Keys that the explorer has ended: `node database hex`. */
  readonly ended = new Set<string>();
  #point = 0;
  readonly #beganMs = realNow();
  #lookedMs = this.#beganMs;
  #keys = 0;
  /** As it was last looked. */
  ends: readonly LeaseEnd[] = [];

  constructor(arena: Arena, rows: readonly RowLease[], lengthMaxMs: number) {
    this.#arena = arena;
    this.#rows = rows;
    this.lengthMaxMs = lengthMaxMs;
  }

  /** How many keys there were when it was last looked. */
  get keys(): number {
    return this.#keys;
  }

  /** The moments at which leases can end next, the nearest first; those that tell no length last. */
  async look(): Promise<void> {
    this.#point++;
    const { keys, all } = await volatileKeys(this.#arena);
    const gapMs = realNow() - this.#lookedMs;
    this.#lookedMs = realNow() - 1;
    const rows = await heldRows(this.#arena.postgres, this.#rows);
    // a row may hold the now() of a transaction that began long before
    const orderMs = realNow() - this.#beganMs;
    this.#keys = all;
    const seen = new Set<string>();
    for (const key of keys) seen.add(this.#noteKey(key, gapMs));
    for (const row of rows) seen.add(this.#noteRow(row, orderMs));
    for (const id of this.#known.keys()) if (!seen.has(id)) this.#known.delete(id);
    this.ends = this.#ends();
  }

  /** Time passes until then: these and all that end before are gone. Returns what the timeline says. */
  async end({ leases, ms }: LeaseEnd): Promise<string> {
    const said = told(leases);
    await this.#remove(leases);
    if (ms === undefined) return said;
    for (const lease of this.#known.values()) if (!leases.includes(lease)) lease.passedMs += ms;
    return said;
  }

  /** The longest time that is known to pass, or undefined where some lease tells none. */
  get longestMs(): number | undefined {
    const lengths = this.ends.map(end => end.ms);
    return lengths.includes(undefined) ? undefined : Math.max(0, ...lengths.map(ms => ms ?? 0));
  }

  async endAll(): Promise<string> {
    const leases = [...new Set(this.ends.flatMap(end => end.leases))];
    const said = told(leases);
    await this.#remove(leases);
    return said;
  }

  /** Every key with a time to live ends, however long it is: as in version 1 of the schedules. */
  async endEveryKey(): Promise<{ readonly longestMs: number; readonly names: readonly string[] }> {
    const { keys } = await volatileKeys(this.#arena);
    for (const { node, database, hex } of keys) this.ended.add(`${node} ${database} ${hex}`);
    return endAllKeys(this.#arena);
  }

  #noteKey(key: VolatileKey, gapMs: number): string {
    const id = `${key.node} ${key.database} ${key.hex}`;
    const known = this.#known.get(id);
    if (known?.key !== undefined && Math.abs(known.key.atMs - key.atMs) <= 1) return id;
    const lengthMs = roundest(key.leftMs, key.leftMs + gapMs + 1);
    const name = nameOf(key);
    if (lengthMs > this.lengthMaxMs) this.kept.add(`${name} lives ${spaced(lengthMs / 1_000)} s`);
    this.#note(id, { name, key, row: undefined, lengthMs });
    return id;
  }

  #noteRow(row: HeldRow, orderMs: number): string {
    const id = `row ${row.kind.name} ${row.lease}`;
    const known = this.#known.get(id);
    if (known !== undefined) return id;
    const { leftMs } = row;
    const lengthMs = leftMs === undefined ? undefined : roundest(leftMs, leftMs + orderMs);
    this.#note(id, { name: `${row.kind.name} ${row.lease}`, key: undefined, row, lengthMs });
    return id;
  }

  #note(id: string, lease: Pick<Lease, 'name' | 'key' | 'row' | 'lengthMs'>): void {
    this.#known.set(id, { ...lease, since: this.#point, passedMs: 0 });
  }

  #ends(): LeaseEnd[] {
    const leases = [...this.#known.values()];
    const timed = leases.filter(({ lengthMs }) => (lengthMs ?? Infinity) <= this.lengthMaxMs);
    timed.sort((a, b) => leftOf(a) - leftOf(b) || a.since - b.since);
    const ends: LeaseEnd[] = [];
    for (const [at, lease] of timed.entries()) {
      const next = timed[at + 1];
      const together = next && leftOf(next) === leftOf(lease) && next.since === lease.since;
      if (together) continue; // they end at one moment
      ends.push({
        shape: shapesOf(timed.slice(0, at + 1)),
        leases: timed.slice(0, at + 1),
        ms: leftOf(lease),
      });
    }
    const untimed = leases.filter(({ lengthMs }) => lengthMs === undefined);
    return [
      ...ends,
      ...untimed.map(one => ({ shape: shapesOf([one]), leases: [one], ms: undefined })),
    ];
  }

  async #remove(leases: readonly Lease[]): Promise<void> {
    const keys = leases.flatMap(({ key }) => (key === undefined ? [] : [key]));
    for (const { node, database, hex } of keys) this.ended.add(`${node} ${database} ${hex}`);
    await endKeys(this.#arena, keys);
    for (const { row } of leases) if (row !== undefined) await endRow(this.#arena.postgres, row);
    for (const [id, lease] of this.#known) if (leases.includes(lease)) this.#known.delete(id);
  }
}

/** Lets enough time pass for every lease to end. */
export async function allPass(arena: Arena, rows: readonly RowLease[]): Promise<void> {
  await endAllKeys(arena);
  for (const row of await heldRows(arena.postgres, rows)) await endRow(arena.postgres, row);
}

function leftOf({ lengthMs = 0, passedMs }: Lease): number {
  return Math.max(0, lengthMs - passedMs);
}

function shapesOf(leases: readonly Lease[]): string {
  return [...new Set(leases.map(({ name }) => shapeOf(name)))].sort().join(' ');
}

/** Each once: Redlock takes the same key on several servers. */
function told(leases: readonly Lease[]): string {
  const each = leases.map(lease => {
    const ms = lease.lengthMs === undefined ? '' : ` (${spaced(leftOf(lease))} ms)`;
    return `${lease.name}${ms}`;
  });
  return `${[...new Set(each)].sort().join(', ')} expired`;
}

const units = [3_600_000, 60_000, 10_000, 5_000, 1_000, 500, 100, 50, 10, 5];

/** The roundest number of milliseconds between the two. */
function roundest(from: number, to: number): number {
  for (const unit of units) {
    const up = Math.ceil(from / unit) * unit;
    if (up <= to) return up;
  }
  return Math.ceil(from);
}

/** 86400 as 86 400. */
export function spaced(count: number): string {
  return Math.round(count).toLocaleString('en-US').replaceAll(',', ' ');
}
