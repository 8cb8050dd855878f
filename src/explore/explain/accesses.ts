import type { TraceLine } from '../run/trace.ts';
import { leadingWords, sqlStatements } from '../wire/sql-split.ts';
import { withValues } from './values.ts';

/** What one caller did at a table or a key, as its statement says. */
export interface Access {
  readonly actor: number;
  /** Where it took its snapshot, and where its effect came: places in the trace. */
  readonly from: number;
  readonly to: number;
  /** Where others could see it: its COMMIT, if it was in a transaction. */
  readonly shownAt: number;
  readonly does: 'reads' | 'inserts' | 'updates' | 'deletes' | 'sets';
  /** A table without its schema, or a key. */
  readonly at: string;
  /** What of it: the condition of an update, as text. */
  readonly where: string;
  readonly line: TraceLine;
  /** It looks at the table before it writes, in one statement. */
  readonly looks: boolean;
}

/** Commands that only read, and those that replace what they read. */
const redisReads =
  /^(get|mget|exists|hget|hmget|hgetall|llen|scard|sismember|zscore|zcard|lrange)$/i;
const redisSets = /^(set|setex|psetex|hset|hmset|del|unlink|getset)$/i;

/** What every step of an order did, in the order of the effects. */
export function accessesOf(lines: readonly TraceLine[]): readonly Access[] {
  const found = lines.flatMap((line, at) => {
    if (line.actor === undefined || /\berror\b/.test(line.result)) return [];
    if (line.store.startsWith('redis')) return redisAccess(line, at);
    if (line.store !== 'postgres') return [];
    if (line.result === 'snapshot taken') return []; // its effect is a line of its own
    const effect = line.label.startsWith('effect of ');
    const from = effect ? snapshotOf(lines, at) : at;
    return sqlAccesses(line, from, at);
  });
  return found.map(one => ({ ...one, shownAt: shownAt(lines, one) }));
}

/** Outside of a transaction others see it at once; one that never commits shows nothing. */
function shownAt(lines: readonly TraceLine[], { actor, to }: Access): number {
  const own = (at: number, what: RegExp): boolean =>
    lines[at]?.actor === actor && what.test(lines[at]?.label ?? '');
  let open = false;
  for (let at = 0; at <= to; at++) {
    if (own(at, /^(begin|start transaction)\b/i)) open = true;
    else if (own(at, /^(commit|end|rollback)\b/i)) open = false;
  }
  if (!open) return to;
  const end = lines.findIndex((_, at) => at > to && own(at, /^(commit|end)\b/i));
  return end < 0 ? lines.length : end;
}

function snapshotOf(lines: readonly TraceLine[], at: number): number {
  const { actor, label = '' } = lines[at] ?? {};
  const plain = label.replace('effect of ', '');
  const before = lines
    .slice(0, at)
    .findLastIndex(one => one.actor === actor && one.label === plain);
  return before < 0 ? at : before;
}

function redisAccess(line: TraceLine, at: number): Access[] {
  const [command = '', key = ''] = line.label.replaceAll('"', '').split(/\s+/);
  const does = redisReads.test(command) ? 'reads' : redisSets.test(command) ? 'sets' : undefined;
  if (does === undefined || line.actor === undefined) return [];
  const { actor } = line;
  return [{ actor, from: at, to: at, shownAt: at, does, at: key, where: '', line, looks: false }];
}

function sqlAccesses(line: TraceLine, from: number, to: number): Access[] {
  const { actor = 0 } = line;
  const text = withValues({ ...line, label: line.label.replace('effect of ', '') });
  return sqlStatements(text).flatMap(({ text: statement, tokens }) => {
    const verb = leadingWords(tokens, 1);
    const words = tokens.map(({ value, kind }) => (kind === 'string' ? '' : value));
    const condition = /\bwhere\b([\s\S]*?)(\breturning\b|$)/i.exec(statement)?.[1]?.trim() ?? '';
    const one = (does: Access['does'], at: string, looks = false): Access => {
      return { actor, from, to, shownAt: to, does, at, where: condition, line, looks };
    };
    const reads = tablesAfter(words, ['from', 'join']);
    if (verb === 'select' || verb === 'with') return reads.map(table => one('reads', table));
    const [target = ''] = tablesAfter(words, ['into', 'update', 'from']);
    if (verb === 'insert') return [one('inserts', target, reads.includes(target))];
    if (verb === 'update') return [one('updates', target)];
    return verb === 'delete' ? [one('deletes', target)] : [];
  });
}

/** `from public.slot as s` is `slot`: the last name of a chain of names and dots. */
function tablesAfter(words: readonly string[], keywords: readonly string[]): string[] {
  return words.flatMap((word, at) => {
    if (!keywords.includes(word)) return [];
    let name = words[at + 1] ?? '';
    if (name === 'only') name = words[at + 2] ?? '';
    for (let next = at + 2; words[next] === '.'; next += 2) name = words[next + 1] ?? name;
    return /^[\w$]+$/.test(name) && name !== 'select' ? [name] : [];
  });
}
