import { type LockStrength, weaker } from '../search/footprint.ts';
import { type SqlToken, sqlTokens } from '../wire/sql-lexer.ts';
import type { Catalogue, Relation } from './catalogue.ts';

/**
 * All that a statement can touch whose reach is 'touches rows': it names every table, or reaches it
 * through a foreign key, a default or a partition, and the catalogue says that nothing else runs on
 * any of them. Its locks may be gone, or be those of the whole transaction.
 */
export interface Named {
  readonly relations: ReadonlyMap<string, LockStrength>;
  /** It may take or ask for advisory locks, whose keys no text tells. */
  readonly advisory: boolean;
  /** It locks one row by its key, or one advisory key, before it does anything else. */
  readonly locksFirst: boolean;
}

/** Locks of a transaction. */
export interface Held {
  readonly relations: ReadonlyMap<string, LockStrength>;
  readonly advisory: ReadonlySet<string>;
}

/** Of all that a transaction holds, what this statement names. */
export function narrowed({ relations, advisory }: Held, named: Named): Held {
  const touched = new Map<string, LockStrength>();
  for (const [name, strength] of named.relations) {
    const locked = relations.get(name);
    if (locked !== undefined) touched.set(name, weaker(locked, strength));
  }
  return { relations: touched, advisory: named.advisory ? advisory : new Set() };
}

const writing = new Set(['insert', 'update', 'delete', 'merge']);
const rowLocks = /\bfor (no key update|update|key share|share)\b/g;

/** Undefined where the text leaves open what is reached: a view, a trigger, a made-up name. */
export function namedIn(label: string, catalogue: Catalogue): Named | undefined {
  if (catalogue.runsUnseen) return undefined;
  const tokens = sqlTokens(label);
  // Escapes could spell any name.
  if (label.includes('\\') || tokens.some(isCut) || callsByValue(tokens)) return undefined;
  const words = tokens.map(({ kind, value }) => (kind === 'word' ? value : "''")).join(' ');
  const locks = rowLocks.test(words);
  rowLocks.lastIndex = 0;
  const writes = words
    .replace(rowLocks, '')
    .split(' ')
    .some(word => writing.has(word));
  const named = tokens.flatMap(({ value }) => relationsOf(value, catalogue));
  const reached = writes ? writtenWith(named) : withKin(named);
  const relations = new Map<string, LockStrength>();
  for (const one of reached) {
    const kind = catalogue.relations.get(one.name);
    if (kind === undefined || (writes && one.fillsUnseen)) return undefined;
    const strength = words.startsWith('lock') ? 'table' : writes || locks ? 'rows' : 'reads';
    relations.set(one.name, kind === 'immediate' ? 'table' : strength);
  }
  const advisory = words.includes('advisory');
  return { relations, advisory, locksFirst: locksOneRow(tokens, named) || isOneKey(tokens) };
}

/** The server cuts a name that is longer than it keeps: then it means another one. */
function isCut({ kind, value }: SqlToken): boolean {
  return /word|name/.test(kind) && Buffer.byteLength(value) > nameBytesMax;
}

const nameBytesMax = 63;

/** `nextval($1)`: of a sequence that the text does not name. */
function callsByValue(tokens: readonly SqlToken[]): boolean {
  return tokens.some(({ kind, value }, at) => {
    if (kind === 'string' || !/^(nextval|setval)$/.test(value)) return false;
    const [open, name, behind] = tokens.slice(at + 1, at + 4);
    const whole = behind !== undefined && /^[),:]$/.test(behind.value);
    return open?.value !== '(' || name?.kind !== 'string' || !/^[\w.]+$/.test(name.value) || !whole;
  });
}

/** A string may name a sequence, with its schema before it. */
function relationsOf(value: string, { byWord }: Catalogue): readonly Relation[] {
  const plain = byWord.get(value.toLowerCase());
  if (plain !== undefined) return plain;
  return byWord.get(value.toLowerCase().replace(/^.*\./, '')) ?? [];
}

function withKin(named: readonly Relation[]): ReadonlySet<Relation> {
  return closure(named, one => one.kin);
}

/** What is written, all rows that follow it, and the rows that those refer to. */
function writtenWith(named: readonly Relation[]): ReadonlySet<Relation> {
  const changed = closure(named, one => [...one.kin, ...one.children]);
  const more = [...changed].flatMap(one => [...one.parents, ...one.sequences]);
  return closure([...changed, ...more], one => one.kin);
}

function closure(
  from: readonly Relation[],
  more: (one: Relation) => readonly Relation[],
): ReadonlySet<Relation> {
  const all = new Set(from);
  for (const one of all) for (const next of more(one)) all.add(next); // a set goes on over what is added
  return all;
}

const keyed =
  /^select (?:\w+ |\* |, |\. )+from (?:\w+ \. )?(\w+) (?:(?:as )?(?!where )\w+ )?where (?:\w+ \. )?(\w+) = \? (?:: : \w+ )?for (?:no key update|update|key share|share)$/;

/** `select … from t where key = $1 for update`: at most one row is met, so nothing before it. */
function locksOneRow(tokens: readonly SqlToken[], named: readonly Relation[]): boolean {
  const [relation, ...others] = named;
  if (relation === undefined || others.length > 0 || relation.kin.length > 0) return false;
  const [, , column] = keyed.exec(maskedText(tokens)) ?? [];
  return column !== undefined && column === relation.key;
}

function isOneKey(tokens: readonly SqlToken[]): boolean {
  return oneKey.test(maskedText(tokens));
}

const oneKey =
  /^select pg_advisory_xact_lock \( (?:hashtext(?:extended)? \( )?\?(?: : : \w+)?(?: , \?)?(?: \))? \)(?: : : text)?$/;

function maskedText(tokens: readonly SqlToken[]): string {
  const shown = tokens.map(({ kind, value }) => {
    if (kind === 'name') return /^\w+$/.test(value) ? value : '"';
    return kind === 'word' || kind === 'sign' ? value : '?';
  });
  return shown.join(' ').replace(/( ;)+$/, '');
}
