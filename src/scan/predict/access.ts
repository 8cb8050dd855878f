import { constantOf, isTree, listOf, nodeOf, stringOf, type Tree, walk } from './tree.ts';

/** Columns that are fixed by a statement, and their values as text. */
export type Fixed = ReadonlyMap<string, string | null>;

/** What a statement does to a table. */
export interface Access {
  readonly schema: string | undefined;
  readonly table: string;
  readonly does: 'reads' | 'locks' | 'inserts' | 'updates' | 'deletes';
  /** Only rows with these values; empty where it may be any row. */
  readonly rows: Fixed;
  /** Columns that an UPDATE sets, or that an INSERT names. */
  readonly sets: ReadonlySet<string>;
  /** FOR UPDATE or FOR NO KEY UPDATE that waits for its turn, of this one table and nothing else. */
  readonly lock?: string;
  /** A WITH of the statement has this name, too: where no table has it, nothing is touched. */
  readonly cte?: boolean;
}

/** A statement that is understood. */
export interface Understood {
  readonly accesses: readonly Access[];
  /** BEGIN, COMMIT, or something within a transaction that gives back its locks. */
  readonly control?: 'begin' | 'end' | 'partial';
}

/** Nothing may be said of such a statement; the text says why. */
export interface Unknown {
  readonly unknown: string;
}

/** Nodes whose meaning is that of their parts. With any other a statement is not understood. */
const plain = new Set(
  (
    'SelectStmt InsertStmt UpdateStmt DeleteStmt RangeVar ResTarget ColumnRef A_Star A_Const A_Expr ' +
    'BoolExpr NullTest BooleanTest ParamRef TypeCast TypeName String Integer Float Boolean List ' +
    'SortBy Alias JoinExpr SubLink FuncCall CaseExpr CaseWhen CoalesceExpr MinMaxExpr A_ArrayExpr ' +
    'LockingClause SetToDefault SQLValueFunction RangeSubselect RowExpr NamedArgExpr ' +
    'WithClause CommonTableExpr WindowDef GroupingSet A_Indices A_Indirection OnConflictClause ' +
    'InferClause IndexElem'
  ).split(' '),
);

/** Built in, and reading nothing but their arguments, the clock or a sequence. */
const pure = new Set(
  (
    'count sum min max avg coalesce lower upper length trim btrim ltrim rtrim substring concat concat_ws ' +
    'replace round floor ceil ceiling abs greatest least now date_trunc date_part extract to_char ' +
    'to_timestamp age array_agg json_agg jsonb_agg json_build_object jsonb_build_object row_to_json ' +
    'to_json to_jsonb string_agg bool_and bool_or every row_number rank dense_rank nextval ' +
    'gen_random_uuid random clock_timestamp statement_timestamp transaction_timestamp left right ' +
    'position timezone exists any array_length cardinality unnest generate_series nullif'
  ).split(' '),
);

/** Operators of other types may call anything. */
const operators = new Set([
  ...'= <> != < > <= >= + - * / % || ~~ !~~ ~~* !~~* -> ->> @>'.split(' '),
  'BETWEEN',
  'NOT BETWEEN',
]);

/** Casts to other types may call anything. */
const types = new Set(
  (
    'text varchar bpchar char name int2 int4 int8 bool float4 float8 numeric date time timetz timestamp ' +
    'timestamptz interval uuid json jsonb bytea'
  ).split(' '),
);

/** What one parsed statement does, or why that cannot be told. `routines`: names that users gave. */
export function understood(
  statement: Tree,
  bound: readonly (string | null)[],
  routines: ReadonlySet<string>,
): Understood | Unknown {
  const [kind = ''] = Object.keys(statement);
  const node = nodeOf(statement, kind) ?? {};
  if (kind === 'TransactionStmt') return control(node);
  if (kind === 'VariableSetStmt') return settings(node);
  if (kind === 'VariableShowStmt') return { accesses: [] };
  if (!['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt'].includes(kind))
    return { unknown: `a ${kind.replace(/Stmt$/, '')} statement` };
  const strange = strangeIn(statement, routines);
  if (strange !== undefined) return { unknown: strange };
  if (kind === 'SelectStmt') return { accesses: selected(node, bound) };
  return { accesses: written(kind, node, bound) };
}

function control(node: Tree): Understood | Unknown {
  const kind = String(node.kind);
  const plainOptions = listOf(node.options).every(one => {
    const option = nodeOf(one, 'DefElem');
    if (option?.defname !== 'transaction_isolation')
      return option?.defname !== 'transaction_deferrable';
    return constantOf(option.arg, []) === 'read committed';
  });
  if (!plainOptions) return { unknown: 'an isolation level above READ COMMITTED' };
  if (kind === 'TRANS_STMT_BEGIN' || kind === 'TRANS_STMT_START')
    return { accesses: [], control: 'begin' };
  if (kind === 'TRANS_STMT_COMMIT' || kind === 'TRANS_STMT_ROLLBACK')
    return node.chain === true ? { unknown: 'COMMIT AND CHAIN' } : { accesses: [], control: 'end' };
  return { accesses: [], control: 'partial' };
}

const harmless = new Set(
  (
    'client_min_messages standard_conforming_strings timezone client_encoding datestyle intervalstyle ' +
    'application_name extra_float_digits bytea_output'
  ).split(' '),
);

/** What a SET does; it is unknown unless nothing hangs on it. */
export function settings(node: Tree): Understood | Unknown {
  const name = String(node.name).toLowerCase();
  return harmless.has(name) ? { accesses: [] } : { unknown: `SET ${name}` };
}

/** The first thing in a statement that may do more than it shows. */
function strangeIn(statement: Tree, routines: ReadonlySet<string>): string | undefined {
  const top = nodeOf(statement, 'SelectStmt');
  let locks = listOf(top?.lockingClause).length;
  let found: string | undefined;
  walk(statement, (kind, node) => {
    if (!plain.has(kind)) found ??= `${kind} in a statement`;
    if (kind === 'FuncCall') {
      const names = listOf(node.funcname).map(stringOf);
      const name = names.at(-1) ?? '?';
      const builtIn = names.length === 1 || names[0] === 'pg_catalog';
      if (!builtIn || !pure.has(name) || routines.has(name))
        found ??= `the function ${names.join('.')}`;
    }
    if (kind === 'A_Expr') {
      const name = listOf(node.name).map(stringOf).join('.');
      if (!operators.has(name)) found ??= `the operator ${name}`;
    }
    if (kind === 'TypeCast') {
      const names = listOf(isTree(node.typeName) ? node.typeName.names : undefined).map(stringOf);
      const builtIn = names.length === 1 || names[0] === 'pg_catalog';
      if (!builtIn || !types.has(names.at(-1) ?? '')) found ??= `a cast to ${names.join('.')}`;
    }
    if (kind === 'CommonTableExpr' && nodeOf(node.ctequery, 'SelectStmt') === undefined)
      found ??= 'a WITH that writes';
    if (kind === 'SelectStmt' && node.intoClause !== undefined) found ??= 'SELECT INTO';
    if (kind === 'LockingClause' && locks-- <= 0) found ??= 'a lock within a subquery';
    return found === undefined;
  });
  return found;
}

function selected(node: Tree, bound: readonly (string | null)[]): Access[] {
  const reads = readsOf({ SelectStmt: node }, bound);
  const locking = listOf(node.lockingClause);
  if (locking.length === 0) return reads;
  const [clause] = locking.map(one => nodeOf(one, 'LockingClause') ?? {});
  const strength = String(clause?.strength);
  const waits = clause?.waitPolicy === undefined || clause.waitPolicy === 'LockWaitBlock';
  const names: Readonly<Record<string, string>> = {
    LCS_FORUPDATE: 'FOR UPDATE',
    LCS_FORNOKEYUPDATE: 'FOR NO KEY UPDATE',
  };
  const lock = names[strength];
  const alone = reads.length === 1 && locking.length === 1 && waits && lock !== undefined;
  return reads.map(one => ({ ...one, does: 'locks', ...(alone ? { lock } : {}) }));
}

function written(kind: string, node: Tree, bound: readonly (string | null)[]): Access[] {
  const relation = isTree(node.relation) ? node.relation : {};
  const target = tableOf(relation);
  const reads = readsOf(withoutTarget(node), bound);
  if (kind === 'InsertStmt') return [...inserted(node, target, bound), ...reads];
  const alias = aliasOf(relation);
  const joins = listOf(node.fromClause).length + listOf(node.usingClause).length > 0;
  const rows = joins ? new Map<string, string | null>() : fixedBy(node.whereClause, alias, bound);
  if (kind === 'DeleteStmt')
    return [{ ...target, does: 'deletes', rows, sets: new Set() }, ...reads];
  const sets = new Map<string, string | null | undefined>();
  for (const one of listOf(node.targetList)) {
    const set = nodeOf(one, 'ResTarget');
    if (typeof set?.name === 'string') sets.set(set.name, constantOf(set.val, bound));
  }
  // a row whose column is set is in another place afterwards
  const stays = [...rows].filter(
    ([column, value]) => !sets.has(column) || sets.get(column) === value,
  );
  return [
    { ...target, does: 'updates', rows: new Map(stays), sets: new Set(sets.keys()) },
    ...reads,
  ];
}

function inserted(
  node: Tree,
  target: Pick<Access, 'schema' | 'table'>,
  bound: readonly (string | null)[],
): Access[] {
  const columns = listOf(node.cols).map(one => String(nodeOf(one, 'ResTarget')?.name ?? ''));
  const source = nodeOf(node.selectStmt, 'SelectStmt');
  const lists = listOf(source?.valuesLists).map(one => listOf(nodeOf(one, 'List')?.items));
  const upsert = node.onConflictClause !== undefined;
  if (columns.length === 0 || lists.length === 0)
    return [{ ...target, does: 'updates', rows: new Map(), sets: new Set(['*']) }];
  return lists.map(items => {
    const rows = new Map<string, string | null>();
    const sets = new Set<string>();
    for (const [at, column] of columns.entries()) {
      if (nodeOf(items[at], 'SetToDefault') !== undefined) continue;
      sets.add(column);
      const value = constantOf(items[at], bound);
      if (value !== undefined && !upsert) rows.set(column, value);
    }
    return { ...target, does: upsert ? 'updates' : 'inserts', rows, sets };
  });
}

/** The target of a write is no read of its own. */
function withoutTarget(node: Tree): Tree {
  const { relation: _target, ...rest } = node;
  return { Rest: rest };
}

/** Every table that is named below, with the rows that a single one of them is looked up by. */
function readsOf(tree: Tree, bound: readonly (string | null)[]): Access[] {
  const found: Access[] = [];
  const names = new Set<string>();
  walk(tree, (kind, node) => {
    if (kind === 'CommonTableExpr') names.add(String(node.ctename));
    if (kind === 'RangeVar')
      found.push({ ...tableOf(node), does: 'reads', rows: new Map(), sets: new Set() });
    return true;
  });
  // within its own body, and before it, the name is that of the table
  const tables = found.map(one =>
    one.schema === undefined && names.has(one.table) ? { ...one, cte: true } : one,
  );
  const select = nodeOf(tree, 'SelectStmt');
  const from = listOf(select?.fromClause);
  const only = from.length === 1 ? nodeOf(from[0], 'RangeVar') : undefined;
  if (tables.length !== 1 || only === undefined) return tables;
  return tables.map(one => ({ ...one, rows: fixedBy(select?.whereClause, aliasOf(only), bound) }));
}

function tableOf(range: Tree): Pick<Access, 'schema' | 'table'> {
  const { schemaname, relname } = range;
  return {
    schema: typeof schemaname === 'string' ? schemaname : undefined,
    table: String(relname),
  };
}

function aliasOf(range: Tree): string {
  const alias = isTree(range.alias) ? range.alias.aliasname : undefined;
  return typeof alias === 'string' ? alias : String(range.relname);
}

/** Columns that a condition compares with a known value, where all of it must hold. */
function fixedBy(condition: unknown, alias: string, bound: readonly (string | null)[]): Fixed {
  const fixed = new Map<string, string | null>();
  const all = (one: unknown): void => {
    const and = nodeOf(one, 'BoolExpr');
    if (and?.boolop === 'AND_EXPR') for (const part of listOf(and.args)) all(part);
    const equal = nodeOf(one, 'A_Expr');
    if (equal?.kind !== 'AEXPR_OP' || stringOf(listOf(equal.name)[0]) !== '=') return;
    const sides = [
      [equal.lexpr, equal.rexpr],
      [equal.rexpr, equal.lexpr],
    ];
    for (const [column, value] of sides) {
      const fields = listOf(nodeOf(column, 'ColumnRef')?.fields).map(stringOf);
      const known = constantOf(value, bound);
      const name = fields.at(-1);
      const own = fields.length === 1 || (fields.length === 2 && fields[0] === alias);
      if (own && name !== undefined && typeof known === 'string') fixed.set(name, known);
    }
  };
  all(condition);
  return fixed;
}
