/** What the text of one request tells about its reach, for the reduction: unknown unless certain. */
import { type SqlToken, sqlTokens } from '../wire/sql-lexer.ts';

/** What a request does, as far as its text alone can say. */
export type Reach =
  /** BEGIN, SAVEPOINT and SET: no row, no lock, no snapshot. */
  | 'begin'
  | 'arranges'
  | 'commits'
  | 'rolls back'
  /** One SELECT, INSERT, UPDATE or DELETE with well-known functions only: the locks tell the rest. */
  | 'touches rows'
  | 'unknown';

export interface StatementReach {
  readonly reach: Reach;
  /** It takes a snapshot, as all that reads or writes rows does. */
  readonly looks: boolean;
  /** It may write a row, and with it the defaults of columns that it does not name. */
  readonly fills: boolean;
  /** It reads the time of the server: what it sees depends on when. */
  readonly readsClock: boolean;
  /** Also inside a transaction, whose own time BEGIN has fixed. */
  readonly readsMoment: boolean;
  /** It may change the isolation of its session, where the text of no later request shows it. */
  readonly mayIsolate: boolean;
  /** It sends to others, or asks for what they send, when its transaction ends. */
  readonly signals: boolean;
}

const begin = /^(begin|start transaction)\b[^;]*$/;
/** To take over the snapshot of another transaction fails when that one has ended. */
const arranges = /^(savepoint|release|reset|show|set (?!constraints|transaction snapshot))\b[^;]*$/;
const commits = /^(commit|end)( work| transaction)?( and no chain)?$/;
const rollsBack = /^(rollback|abort)( work| transaction)?( and no chain)?$/;
const touchesRows = /^(select|insert|update|delete|with|values|merge|table|lock)\b[^;]*$/;
/** What can name a function of the application's own, or run a text that is not to be seen. */
const hides = /^(do|call|execute|prepare|load|alter)\b/;
const signals = /\b(listen|unlisten|notify|pg_notify)\b/;
/** The state of the server, and where a row lies: these follow from steps that share no table. */
const looksInside = /\b(pg_(?!catalog\b)\w+|information_schema|[cx]min|[cx]max|ctid|tableoid)\b/;

/** `name (`, of a function or of what only looks like one. */
const call = /([a-z_"\u0080-\uffff][\w$."\u0080-\uffff]*)\s*\(/g;
const clock =
  /\b(now|transaction_timestamp|statement_timestamp|clock_timestamp|timeofday)\s*\(|\b(current_(timestamp|date|time)|localtime(stamp)?)\b/;
/** `'now'::timestamptz`: the time of the transaction, in quotes. */
const clockLiteral = /^\s*(now|today|tomorrow|yesterday)\s*$/i;
const moment = /\b(statement_timestamp|clock_timestamp|timeofday)\s*\(/;

/** Functions of the server that look at their arguments alone, or whose traces the locks show. */
export const harmless: ReadonlySet<string> = new Set(
  (
    'count sum min max avg coalesce nullif greatest least abs ceil ceiling floor round trunc mod sign power sqrt ' +
    'length char_length octet_length lower upper substring substr replace trim btrim ltrim rtrim ' +
    'concat concat_ws format left right position strpos split_part md5 to_char to_number ' +
    'array_agg string_agg json_agg jsonb_agg bool_and bool_or every row_number rank unnest ' +
    'array_length cardinality array_append array_position generate_series json_build_object ' +
    'jsonb_build_object jsonb_set to_json to_jsonb row_to_json make_interval extract date_trunc ' +
    'date_part age hashtext hashtextextended gen_random_uuid random exists cast nextval setval ' +
    'pg_advisory_xact_lock pg_advisory_xact_lock_shared tstzrange tsrange daterange int4range ' +
    'pg_sleep now transaction_timestamp statement_timestamp clock_timestamp timeofday row array ' +
    'to_timestamp lpad rpad repeat int4 int8 text'
  ).split(' '),
);

/** Words that may stand before a parenthesis without calling anything. */
export const keywords: ReadonlySet<string> = new Set(
  (
    'in values and or not any all some select where set returning using by limit offset then when ' +
    'else case join on union except intersect from as over filter within lateral with into having ' +
    'conflict key distinct between like ilike is update do varchar char numeric decimal bit time ' +
    'timestamp timestamptz interval float materialized only ordinality rollup cube grouping sets'
  ).split(' '),
);

/** Callers send the same texts in each order. */
const known = new Map<string, StatementReach>();
const knownMax = 500;

/** `text` is what was sent, of however many statements. */
export function reachOf(text: string): StatementReach {
  const found = known.get(text) ?? read(text);
  if (known.size >= knownMax) known.clear();
  known.set(text, found);
  return found;
}

function read(text: string): StatementReach {
  const tokens = sqlTokens(text);
  const bare = withoutLiterals(tokens).replace(/ ?;$/, '');
  const reach = knownReach(bare);
  const mayIsolate = reach === 'unknown' && (hides.test(bare) || bare.includes(';'));
  return {
    reach,
    looks: reach === 'touches rows' && !bare.startsWith('lock'),
    fills: /\b(insert|update|merge)\b/.test(bare),
    readsClock: clock.test(bare) || tokens.some(isClockLiteral),
    readsMoment: moment.test(bare),
    mayIsolate: mayIsolate || unknownCalls(bare).some(name => !isOfServer(name)),
    signals: signals.test(bare),
  };
}

function knownReach(bare: string): Reach {
  if (begin.test(bare) || isBeginWithSettings(bare)) return 'begin';
  if (arranges.test(bare)) return 'arranges';
  if (commits.test(bare)) return 'commits';
  if (rollsBack.test(bare)) return 'rolls back';
  if (!touchesRows.test(bare) || unknownCalls(bare).length > 0) return 'unknown';
  const others = bare.replace(/\bpg_(advisory_xact_lock(_shared)?|sleep)\b/g, '');
  // SELECT INTO makes a table
  const makes = /\binto\b/.test(bare.replace(/\b(insert|merge) into\b/g, ''));
  return makes || looksInside.test(others) ? 'unknown' : 'touches rows';
}

/** None of these but set_config changes how a session sees rows. */
function isOfServer(name: string): boolean {
  return /^(pg_catalog\.)?(pg_\w+|currval|lastval|txid_\w+)$/.test(name);
}

/** `begin; set local lock_timeout = …`: nothing that it says takes the snapshot. */
function isBeginWithSettings(bare: string): boolean {
  const [first = '', ...others] = bare.split(';').map(one => one.trim());
  return (
    begin.test(first) && others.every(one => /^set (local|transaction(?! snapshot))\b/.test(one))
  );
}

function unknownCalls(bare: string): string[] {
  const names: string[] = [];
  for (const found of bare.matchAll(call)) {
    const [, name = ''] = found;
    const before = bare.slice(0, found.index);
    const plain = name.replace(/^pg_catalog\./, '');
    if (/\b(into|with|recursive)\s*$/.test(before)) continue; // its columns follow
    if (!harmless.has(plain) && !keywords.has(plain)) names.push(name);
  }
  return names;
}

/**
 * In small letters and without strings, quoted bodies and comments, which hold no statements. Of quoted
 * names only those stay that are words: others could be taken for anything.
 */
function withoutLiterals(tokens: readonly SqlToken[]): string {
  let text = '';
  let at = 0;
  for (const { kind, value, start, end } of tokens) {
    if (start > at && text !== '') text += ' ';
    if (kind === 'string' || kind === 'dollar') text += "''";
    else if (kind === 'name') text += /^\w+$/.test(value) ? `"${value.toLowerCase()}"` : '"?"';
    else text += value;
    at = end;
  }
  return text;
}

function isClockLiteral({ kind, value }: SqlToken): boolean {
  return (kind === 'string' || kind === 'dollar') && clockLiteral.test(value);
}
