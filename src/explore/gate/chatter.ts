import type { SqlToken } from '../wire/sql-lexer.ts';
import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';

/** What a client only asks or says about its connection: it reads and changes nothing shared. */
export function isChatter(statement: SqlStatement): boolean {
  const words = leadingWords(statement.tokens, 3);
  if (/^set (constraints|transaction snapshot)\b/.test(words)) return false;
  if (/^(set|reset|show|deallocate|unlisten)\b/.test(words)) return true;
  // DISCARD ALL gives back session locks, and DISCARD TEMP drops tables.
  if (/^discard (plans|sequences)\b/.test(words)) return true;
  if (!words.startsWith('select') || !new SelectReader(statement.tokens).isChatter()) return false;
  const named = statement.tokens.map(({ value }) => value);
  return !named.some(value => typeCatalogues.has(value)) || named.some(one => ofDrivers.has(one));
}

/** An application may ask these whether a type or a schema is there, and make it if not. */
const typeCatalogues = new Set(['pg_type', 'pg_range', 'pg_namespace', 'to_regtype']);
/** A driver that learns the types asks for these columns, and no application does. */
const ofDrivers = new Set(
  'typarray typelem typcategory typreceive typinput typbasetype rngtypid rngsubtype'.split(' '),
);

/** What drivers ask when they connect; each tells of the session or of types alone. */
const functions = new Set(
  (
    'version current_schema current_schemas current_database current_setting set_config ' +
    'pg_backend_pid pg_is_in_recovery format_type array_agg coalesce string_agg to_regtype'
  ).split(' '),
);
const catalogues = new Set('pg_type pg_range pg_namespace pg_settings'.split(' '));
/** Words that may stand before a parenthesis and call nothing. */
const keywords = new Set(
  (
    'select from where and or not in is any all some exists on using values case when then else ' +
    'end as distinct by between like ilike union except intersect having limit offset over array row'
  ).split(' '),
);
const endsFrom = new Set(
  'where group order having limit offset union except intersect window'.split(' '),
);
const signs = new Set('. ; [ ] * : :: = <> != < > <= >= || ~ !~ ~* !~* + -'.split(' '));
const operatorSigns = new Set('+-*/<>=~!@#%^&|`?:');
const types = new Set(
  (
    'text name varchar char bool boolean int integer smallint bigint int2 int4 int8 oid json jsonb ' +
    'regclass regtype regproc regprocedure regnamespace timestamptz'
  ).split(' '),
);
/** They lock rows, write, or read what has no name here. */
const never = new Set('into for insert update delete merge truncate table with nextval'.split(' '));

/** Walks through a SELECT: every relation and every function in it has to be a known one. */
class SelectReader {
  readonly #tokens: readonly SqlToken[];
  #at = 0;

  constructor(tokens: readonly SqlToken[]) {
    this.#tokens = tokens;
  }

  isChatter(): boolean {
    /** For each open parenthesis whether the FROM list around it goes on behind it. */
    const around: boolean[] = [];
    let inFrom = false;
    let relationNext = false;
    for (this.#at = 0; this.#at < this.#tokens.length; this.#at++) {
      const { kind, value } = this.#token(0);
      if (kind === 'sign' && value === '(') {
        around.push(inFrom);
        inFrom = false;
        relationNext = false;
      } else if (kind === 'sign' && value === ')') {
        inFrom = around.pop() ?? false;
      } else if (kind === 'sign' && value === ',') relationNext = inFrom;
      else if (kind === 'sign' && !this.#isKnownSign()) return false;
      else if (kind === 'word' && never.has(value)) return false;
      else if (kind === 'word' && (value === 'from' || value === 'join')) {
        inFrom = true;
        relationNext = true;
      } else if (kind === 'word' && endsFrom.has(value)) inFrom = false;
      else if (kind === 'word' || kind === 'name') {
        if (!this.#isKnown(relationNext)) return false;
        relationNext = false;
      }
    }
    return true;
  }

  /** An operator of the server that cannot fail, or `::` before one of its types; goes on to its end. */
  #isKnownSign(): boolean {
    let sign = this.#token(0).value;
    while (this.#token(1).kind === 'sign' && this.#token(1).start === this.#token(0).end) {
      if (!operatorSigns.has(this.#token(1).value)) break;
      sign += this.#token(1).value;
      this.#at++;
    }
    if (sign !== '::') return signs.has(sign);
    const schema = this.#token(1).value === 'pg_catalog' && this.#token(2).value === '.' ? 2 : 0;
    return types.has(this.#token(1 + schema).value);
  }

  /** The name that begins here, with its schema and what calls it; goes on to its last part. */
  #isKnown(asRelation: boolean): boolean {
    const parts = [this.#token(0).value];
    while (this.#token(1).value === '.' && this.#token(2).kind !== 'sign') {
      parts.push(this.#token(2).value);
      this.#at += 2;
    }
    const name = parts.at(-1) ?? '';
    const builtIn = parts.length === 1 || (parts.length === 2 && parts[0] === 'pg_catalog');
    if (this.#token(1).value === '(' && this.#token(1).kind === 'sign') {
      if (parts.length === 1 && this.#token(0).kind === 'word' && keywords.has(name)) return true;
      return builtIn && functions.has(name);
    }
    if (!asRelation) return true;
    return builtIn && catalogues.has(name);
  }

  #token(ahead: number): SqlToken {
    return this.#tokens[this.#at + ahead] ?? nothing;
  }
}

const nothing: SqlToken = { kind: 'sign', value: '', start: -1, end: -1 };
