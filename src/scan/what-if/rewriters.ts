import { oneLine } from '../../explore/gate/postgres-statement.ts';
import type { SessionRewriter } from '../../explore/gate/rewriting.ts';
import { statementsOf } from '../sql/parse.ts';

/** What one cure says in addition, or instead. */
export interface Saying {
  /** Statements by their text in one line, with what is said in their place. */
  readonly instead?: ReadonlyMap<string, string>;
  /** First in every transaction. */
  readonly first?: string;
  /** Statements outside of transactions are put into one, which ends when the caller is done. */
  readonly wraps: boolean;
}

/** A rewriter for one connection. */
export function rewriterOf({ instead, first, wraps }: Saying): SessionRewriter {
  /** The transaction is ours, the caller's, or there is none. */
  let open: 'ours' | 'theirs' | undefined;
  let said = false;
  let ending = false;
  return {
    text: sql => instead?.get(oneLine(sql)) ?? sql,
    before(texts, status) {
      if (status === 'I') [open, said, ending] = [undefined, false, false];
      const own = texts.flatMap(text => statementsOf(text) ?? []);
      const begins = own.some(({ node }) => 'TransactionStmt' in node);
      if (begins) {
        open ??= 'theirs';
        return [];
      }
      const added: string[] = [];
      if (open === undefined && wraps) {
        open = 'ours';
        added.push('begin');
      }
      if (open !== undefined && first !== undefined && !said) {
        said = true;
        added.push(first);
      }
      return added;
    },
    atEnd(status, failed) {
      if (open !== 'ours' || status === 'I' || ending) return [];
      ending = true;
      return [failed ? 'rollback' : 'commit'];
    },
  };
}

/** The statement with a locking clause behind it. */
export function withLock(label: string, clause: string): string {
  const [only] = statementsOf(label) ?? [];
  return `${only?.text ?? label} ${clause}`;
}
