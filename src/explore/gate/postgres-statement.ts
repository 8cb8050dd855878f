import type { PostgresUnit } from '../wire/postgres-requests.ts';
import { sqlStatements } from '../wire/sql-split.ts';
import { type Step, shapeOf } from './lane.ts';
import { hiddenIn } from './postgres-hides.ts';

/** A longer label is cut, so that it does not tell every statement any more. */
export const labelCharactersMax = 2000;

/** The statements that only arrange the connection: they read and change nothing shared. */
const chatter = [
  /^set (?!constraints)/i,
  /^reset /i,
  /^show /i,
  /^select (pg_catalog\.)?(version|current_schema|current_database|set_config)\s*\(/i,
  /^select 1( ?\+ ?1( as result)?)?$/i,
  /\bfrom (pg_catalog\.)?pg_(type|range|namespace|settings)\b/i,
  /^(deallocate|discard|unlisten)\b/i,
  /^$/,
];

/** A connection's own chatter, or metadata alone: granted at once, never a step. */
export function isFree(unit: PostgresUnit): boolean {
  if (!unit.executes) return true;
  return statements(unit).every(text => chatter.some(pattern => pattern.test(text)));
}

/** The scheduler asks for a unit's step again and again while it is held. */
const known = new WeakMap<PostgresUnit, Step>();

export function stepOf(unit: PostgresUnit): Step {
  const step = known.get(unit) ?? newStepOf(unit);
  known.set(unit, step);
  return step;
}

function newStepOf(unit: PostgresUnit): Step {
  const hides = hiddenIn(unit.texts.flatMap(text => sqlStatements(text)));
  const label = unit.texts.map(tidy).join('; ').slice(0, labelCharactersMax);
  return {
    store: 'postgres',
    label: label === '' ? 'sync' : label,
    shape: shapeOf(label),
    role: isBegin(unit) ? 'begin' : 'request',
    ...(hides === undefined || isBegin(unit) ? {} : { hides }),
  };
}

/**
 * Whether the text may change the isolation of its transaction or session: by a name inside a longer
 * one (`default_transaction_isolation`), or as a setting whose name it does not show.
 */
export function statesIsolation(text: string): boolean {
  return /isolation|characteristics|snapshot|set_config\s*\((?!\s*'[\w.]+'\s*,)/i.test(text);
}

function isBegin(unit: PostgresUnit): boolean {
  const all = statements(unit).filter(text => text !== '');
  const [first] = all;
  if (first === undefined || !/^(begin|start transaction)\b/i.test(first)) return false;
  return all.slice(1).every(text => /^set (local|transaction)\b/i.test(text));
}

/** Splits at semicolons; good enough to recognise chatter, whose texts hold none inside. */
function statements(unit: PostgresUnit): string[] {
  return unit.texts.flatMap(text => text.split(';')).map(tidy);
}

function tidy(text: string): string {
  return text
    .replace(/--[^\n]*/g, ' ')
    .replace(/\/\*[\s\S]*?\*\//g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
