/** Reading what Postgres' own parser makes of a statement: plain JSON, one key per node. */
export type Tree = Readonly<Record<string, unknown>>;

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The children of a field, whatever it holds. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}

/** The node of this kind that a field holds: `{ RangeVar: {…} }`. */
export function nodeOf(value: unknown, kind: string): Tree | undefined {
  if (!isTree(value)) return undefined;
  const node = value[kind];
  return isTree(node) ? node : undefined;
}

/** The text of `{ String: { sval } }`. */
export function stringOf(value: unknown): string | undefined {
  const sval = nodeOf(value, 'String')?.sval;
  return typeof sval === 'string' ? sval : undefined;
}

/** A value that is known before the statement runs, as text; null is SQL's null. */
export function constantOf(
  value: unknown,
  bound: readonly (string | null)[],
): string | null | undefined {
  const cast = nodeOf(value, 'TypeCast');
  if (cast !== undefined) return castOf(cast, bound);
  const parameter = nodeOf(value, 'ParamRef');
  if (parameter !== undefined) {
    const text = bound[Number(parameter.number) - 1];
    return text?.startsWith('\\x') ? undefined : text; // sent in binary
  }
  const constant = nodeOf(value, 'A_Const');
  if (constant === undefined) return undefined;
  if (constant.isnull === true) return null;
  if (isTree(constant.ival)) return String(constant.ival.ival ?? 0);
  if (isTree(constant.sval)) return String(constant.sval.sval ?? '');
  if (isTree(constant.fval)) return String(constant.fval.fval ?? 0);
  if (isTree(constant.boolval)) return String(constant.boolval.boolval === true);
  return undefined;
}

const wholeTypes = new Set(['int2', 'int4', 'int8']);

/** A cast of a value itself, to a type that changes no more than how it is written. */
function castOf({ arg, typeName }: Tree, bound: readonly (string | null)[]) {
  if (nodeOf(arg, 'TypeCast') !== undefined || !isTree(typeName)) return undefined;
  const { names, typmods, arrayBounds, setof } = typeName;
  if (typmods !== undefined || arrayBounds !== undefined || setof === true) return undefined;
  const type = stringOf(listOf(names).at(-1)) ?? '';
  const value = constantOf(arg, bound);
  if (typeof value !== 'string' || type === 'text') return value;
  if (type === 'uuid') return uuidOf(value);
  return wholeTypes.has(type) && /^-?\d{1,15}$/.test(value) ? String(Number(value)) : undefined;
}

/** Postgres reads it with braces, and with hyphens or without. Documentation, "UUID Type". */
export function uuidOf(text: string): string | undefined {
  const digits = text.replace(/[{}-]/g, '').toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits : undefined;
}

/** Every node below, with its kind; `visit` returns false where it needs no look inside. */
export function walk(value: unknown, visit: (kind: string, node: Tree) => boolean): void {
  if (Array.isArray(value)) {
    for (const one of value) walk(one, visit);
    return;
  }
  if (!isTree(value)) return;
  for (const [kind, inner] of Object.entries(value)) {
    // kinds of nodes begin with a capital letter, fields do not
    const isNode = /^[A-Z]/.test(kind) && isTree(inner);
    if (!isNode || visit(kind, inner)) walk(inner, visit);
  }
}
