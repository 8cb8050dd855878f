import type { ExecutionRecord } from '../../explore/run/record.ts';
import { loadParser, type Parsed, statementsOf, tablesIn } from '../sql/parse.ts';

/** One statement of a caller, as the server got it. */
export interface Said {
  /** In one line, without comments: as the timeline has it. */
  readonly label: string;
  readonly values: readonly (string | null)[];
  readonly does: 'reads' | 'writes' | 'begins' | 'ends' | 'other';
  readonly tables: readonly string[];
  /** Its connection, and whether a transaction was open there that the caller had begun. */
  readonly connection: string;
  readonly inTransaction: boolean;
  /** It states an isolation level. */
  readonly statesLevel: boolean;
}

/** What one caller says to Postgres in an order that is wrong. */
export interface CallerSaid {
  readonly name: string;
  readonly said: readonly Said[];
  /** The read that it acts on: the first one of a table before its first write. */
  readonly deciding: Said | undefined;
  readonly connections: number;
  /** All its reads and writes are in transactions of its own. */
  readonly inTransactions: boolean;
}

/** Reads the statements of an order by Postgres' own parser. */
export async function observed(
  { lines }: ExecutionRecord,
  names: readonly string[],
): Promise<readonly CallerSaid[]> {
  await loadParser();
  return names.map((name, actor) => {
    const own = lines.filter(line => line.actor === actor && line.store === 'postgres');
    const open = new Set<string>();
    const said = own
      .filter(({ label }) => !/^(effect of |deadlock detected|receives )/.test(label))
      .flatMap(({ label, values = [], token }) => {
        const connection = token.replace(/^[^A-Z]+/, '');
        return (statementsOf(label) ?? []).map(parsed => {
          const one = saidIn(parsed, label, values, connection, open.has(connection));
          if (one.does === 'begins') open.add(connection);
          if (one.does === 'ends') open.delete(connection);
          return one;
        });
      });
    return callerOf(name, said);
  });
}

function callerOf(name: string, said: readonly Said[]): CallerSaid {
  const work = said.filter(({ does }) => does === 'reads' || does === 'writes');
  const firstWrite = work.findIndex(({ does }) => does === 'writes');
  const before = work.slice(0, firstWrite < 0 ? work.length : firstWrite);
  return {
    name,
    said,
    deciding: before.find(({ tables }) => tables.length > 0),
    connections: new Set(work.map(({ connection }) => connection)).size,
    inTransactions: work.length > 0 && work.every(({ inTransaction }) => inTransaction),
  };
}

function saidIn(
  { node, text }: Parsed,
  label: string,
  values: readonly (string | null)[],
  connection: string,
  inTransaction: boolean,
): Said {
  const tables = tablesIn(node);
  const about = { label, values, tables, connection, inTransaction };
  const statesLevel = /\bisolation\s+level\b/i.test(text);
  if ('TransactionStmt' in node) {
    const kind = node.TransactionStmt.kind ?? '';
    const begins = /BEGIN|START/.test(kind);
    const ends = /TRANS_STMT_(COMMIT|ROLLBACK)$/.test(kind);
    return { ...about, statesLevel, does: begins ? 'begins' : ends ? 'ends' : 'other' };
  }
  const reads = 'SelectStmt' in node;
  const writes = 'InsertStmt' in node || 'UpdateStmt' in node || 'DeleteStmt' in node;
  const does = reads ? 'reads' : writes || 'MergeStmt' in node ? 'writes' : 'other';
  return { ...about, statesLevel, does };
}
