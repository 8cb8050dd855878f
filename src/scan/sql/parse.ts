import { loadModule, type Node, parseSync } from 'libpg-query';

export type { Node } from 'libpg-query';

let loading: Promise<void> | undefined;

/** To be awaited once before `statementsOf`: the parser is WebAssembly. */
export async function loadParser(): Promise<void> {
  loading ??= loadModule();
  await loading;
}

export interface Parsed {
  readonly node: Node;
  /** The statement alone, without what stands around it. */
  readonly text: string;
}

/** The statements of a text, as Postgres' own parser reads them; undefined where it refuses. */
export function statementsOf(text: string): readonly Parsed[] | undefined {
  try {
    const bytes = Buffer.from(text);
    return (parseSync(text).stmts ?? []).flatMap(({ stmt, stmt_location = 0, stmt_len }) => {
      if (stmt === undefined) return [];
      const end = stmt_len ? stmt_location + stmt_len : bytes.length;
      return [{ node: stmt, text: bytes.subarray(stmt_location, end).toString().trim() }];
    });
  } catch {
    return undefined;
  }
}

/** Every object in a tree that has this key, with what the key holds. */
export function allOf(tree: unknown, key: string, found: unknown[] = []): readonly unknown[] {
  if (Array.isArray(tree)) for (const one of tree) allOf(one, key, found);
  else if (typeof tree === 'object' && tree !== null) {
    for (const [name, value] of Object.entries(tree)) {
      if (name === key) found.push(value);
      allOf(value, key, found);
    }
  }
  return found;
}

/** The tables that a statement names, without their schemas. */
export function tablesIn(node: unknown): readonly string[] {
  const names = allOf(node, 'RangeVar').flatMap(one => {
    const name = typeof one === 'object' && one !== null ? Reflect.get(one, 'relname') : undefined;
    return typeof name === 'string' ? [name] : [];
  });
  return [...new Set(names)];
}
