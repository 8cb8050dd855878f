import type { PostgresUnit } from '../wire/postgres-unit.ts';
import { sqlTokens } from '../wire/sql-lexer.ts';
import { leadingWords, type SqlStatement, sqlStatements } from '../wire/sql-split.ts';
import { isChatter } from './chatter.ts';
import { type Step, shapeOf } from './lane.ts';
import { hiddenIn } from './postgres-hides.ts';
import type { Routines } from './routines.ts';
import { isAnalysed, opensTransaction, takesSnapshot } from './statement-kind.ts';

/** Longer labels are cut, and then do not show every statement. */
export const labelCharactersMax = 2000;

/** A text is examined again and again while its unit is held. */
const parsed = new WeakMap<PostgresUnit, readonly SqlStatement[]>();

/** What a unit executes; or parses, describes and binds, where it executes nothing. */
export function statementsOf(unit: PostgresUnit): readonly SqlStatement[] {
  const known = parsed.get(unit);
  if (known !== undefined) return known;
  const texts = unit.executes ? unit.texts : unit.prepared;
  const [text, ...others] = texts;
  const single = text !== undefined && others.length === 0;
  const statements = single ? read(text) : texts.flatMap(one => sqlStatements(one));
  parsed.set(unit, statements);
  return statements;
}

/** Callers send the same texts in each order. */
const readTexts = new Map<string, readonly SqlStatement[]>();
const textsMax = 500;
const textCharactersMax = 10_000;

function read(text: string): readonly SqlStatement[] {
  const known = readTexts.get(text);
  if (known !== undefined) return known;
  const statements = sqlStatements(text);
  if (text.length > textCharactersMax) return statements;
  if (readTexts.size >= textsMax) readTexts.clear();
  readTexts.set(text, statements);
  return statements;
}

/**
 * A connection's own chatter, or metadata alone: granted at once, never a step. To parse or bind a
 * statement locks its tables, so that waits; above READ COMMITTED even chatter that reads fixes the
 * snapshot of a transaction that has none (`unread`).
 */
export function isFree(unit: PostgresUnit, unread: boolean): boolean {
  const statements = statementsOf(unit);
  if (unread && statements.some(takesSnapshot)) return false;
  return statements.every(one => isChatter(one) || (!unit.executes && !isAnalysed(one)));
}

/** The scheduler asks for a unit's step again and again while it is held. */
const known = new WeakMap<PostgresUnit, Step>();

export function stepOf(unit: PostgresUnit, routines: Routines): Step {
  const step = known.get(unit) ?? newStepOf(unit, routines);
  known.set(unit, step);
  return step;
}

function newStepOf(unit: PostgresUnit, routines: Routines): Step {
  const hides = unit.executes ? routines.once(statementsOf(unit), hiddenIn) : undefined;
  const label = (unit.executes ? unit.texts : unit.prepared)
    .map(oneLine)
    .join('; ')
    .slice(0, labelCharactersMax);
  return {
    store: 'postgres',
    label: label === '' ? 'sync' : label,
    shape: shapeOf(label),
    role: isBegin(unit) ? 'begin' : 'request',
    ...(hides === undefined || isBegin(unit) ? {} : { hides }),
  };
}

/** In BEGIN or a start-up option: what nobody has to say, or what changes nothing that we assume. */
const statesReadCommitted =
  /^\s*(begin|start)\b[^;']*\bisolation level read (un)?committed\b|-c default_transaction_isolation=read\\+ (un)?committed\b/gi;

/**
 * Whether the text may change the isolation of its transaction or session: by a name inside a longer
 * one (`default_transaction_isolation`), or as a setting whose name it does not show.
 */
export function statesIsolation(text: string): boolean {
  const others = text.replace(statesReadCommitted, '');
  return /isolation|characteristics|snapshot|pg_settings|set_config(?!\s*\(\s*'[\w.]+'\s*,)/i.test(
    others,
  );
}

function isBegin(unit: PostgresUnit): boolean {
  const [first, ...others] = statementsOf(unit);
  if (first === undefined || !opensTransaction(first) || !unit.executes) return false;
  return others.every(({ tokens }) => {
    return /^set (local|transaction(?! snapshot))\b/.test(leadingWords(tokens, 3));
  });
}

const tidied = new Map<string, string>();

function oneLine(text: string): string {
  const known = tidied.get(text) ?? withoutComments(text);
  if (text.length > textCharactersMax) return known;
  if (tidied.size >= textsMax) tidied.clear();
  tidied.set(text, known);
  return known;
}

/** With one blank where comments and white space were. */
function withoutComments(text: string): string {
  let left = '';
  let at = 0;
  for (const { start, end } of sqlTokens(text)) {
    if (start > at && left !== '') left += ' ';
    left += text.slice(start, end);
    at = end;
  }
  return left.replace(/\s+/g, ' ');
}
