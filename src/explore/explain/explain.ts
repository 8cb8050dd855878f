import type { ExecutionRecord } from '../run/record.ts';
import type { TraceLine } from '../run/trace.ts';
import { type Access, accessesOf } from './accesses.ts';

/** What went wrong in an order, by a name that the literature knows, and in words. */
export interface Explanation {
  readonly anomaly:
    | 'lost update'
    | 'write skew'
    | 'duplicate after a look'
    | 'stale read'
    | 'dirty external effect'
    | 'deadlock';
  /** `ann and bob both read balance = 50 in card before either wrote it`. */
  readonly words: string;
}

/**
 * Explains an order by what its statements say. Undefined where none of the known anomalies shows:
 * this is a reading aid, and no verdict rests on it.
 */
export function explain(
  record: ExecutionRecord,
  names: readonly string[],
): Explanation | undefined {
  const { lines } = record;
  const accesses = accessesOf(lines);
  return (
    deadlock(lines, names) ??
    bothLooked(accesses, names) ??
    external(record, names) ??
    stale(accesses, names)
  );
}

function deadlock(lines: readonly TraceLine[], names: readonly string[]): Explanation | undefined {
  const line = lines.find(one => one.label.startsWith('deadlock detected'));
  if (line?.actor === undefined) return undefined;
  const who = names[line.actor] ?? '';
  return {
    anomaly: 'deadlock',
    words: `each waited for a lock that the other held, and ${who} was the one to be cancelled`,
  };
}

/** Two callers saw the same before either acted on it. */
function bothLooked(
  accesses: readonly Access[],
  names: readonly string[],
): Explanation | undefined {
  for (const first of accesses.filter(isLook)) {
    const second = accesses.find(
      one => isLook(one) && one.actor !== first.actor && one.at === first.at,
    );
    if (second === undefined) continue;
    const [a, b] = [actedOn(first, accesses), actedOn(second, accesses)];
    if (a === undefined || b === undefined) continue;
    if (first.from > b.shownAt || second.from > a.shownAt) continue; // one saw what the other did
    const anomaly = nameOf(first, a, b);
    const actors = [first.actor, second.actor].sort((one, other) => one - other);
    const who = actors.map(actor => names[actor]).join(' and ');
    const saw = seen(first) === seen(second) ? seen(first) : undefined;
    const what = saw === undefined ? `looked at ${first.at}` : `read ${saw} in ${first.at}`;
    const hidden = a.shownAt > a.to || b.shownAt > b.to;
    const act = hidden ? `committed what it ${deed(a)}` : deed(a);
    return { anomaly, words: `${who} both ${what} before either ${act}` };
  }
  return undefined;
}

function isLook({ does, looks }: Access): boolean {
  return does === 'reads' || looks;
}

/** The first write of the same caller behind its look: to the same place, or else to any. */
function actedOn(look: Access, accesses: readonly Access[]): Access | undefined {
  const own = accesses.filter(
    one => one.actor === look.actor && one.does !== 'reads' && one.to >= look.from,
  );
  return own.find(one => one.at === look.at) ?? own[0];
}

function nameOf(look: Access, a: Access, b: Access): Explanation['anomaly'] {
  if (a.does === 'inserts' && b.does === 'inserts') return 'duplicate after a look';
  const same = a.at === b.at && a.where === b.where;
  if (same && (a.at === look.at || a.does === 'sets')) return 'lost update';
  return a.at === b.at && a.where === b.where ? 'lost update' : 'write skew';
}

const deeds: Readonly<Record<Access['does'], string>> = {
  reads: 'read',
  inserts: 'inserted into',
  updates: 'wrote in',
  deletes: 'deleted from',
  sets: 'set',
};

function deed({ does, at }: Access): string {
  return `${deeds[does]} ${at}`;
}

const valuesMax = 3;

/** `seats = 1`, from the only row of an answer; `no row`; undefined where there are more. */
function seen({ line, looks }: Access): string | undefined {
  if (looks) return undefined;
  const { reply = '', columns = [] } = line;
  if (line.store.startsWith('redis')) return `\`${reply}\``;
  const rows = reply.split('\n').filter(row => row.startsWith('['));
  if (rows.length === 0) return 'no row';
  if (rows.length > 1 || rows[0] === undefined) return undefined;
  const values = valuesOf(rows[0]);
  if (values === undefined || values.length > valuesMax) return undefined;
  const parts = values.map((value, at) => {
    const name = columns[at];
    return name === undefined ? String(value) : `${name} = ${String(value)}`;
  });
  return `\`${parts.join(', ')}\``;
}

function valuesOf(row: string): readonly unknown[] | undefined {
  try {
    const values: unknown = JSON.parse(row);
    return Array.isArray(values) ? values : undefined;
  } catch {
    return undefined; // it was cut
  }
}

/** Something was done that no rollback takes back: at Redis or over HTTP, by one that failed. */
function external(
  { lines, ends, judgement }: ExecutionRecord,
  names: readonly string[],
): Explanation | undefined {
  if (judgement !== undefined && judgement.kind !== 'effects differ') return undefined;
  for (const [actor, name] of names.entries()) {
    const own = lines.filter(line => line.actor === actor);
    const failedAt = own.findLastIndex(line => /\berror\b|^ROLLBACK/.test(line.result));
    const outside = own.findIndex(one => /^(http|redis)/.test(one.store) && !isFree(one));
    if (failedAt < 0 || outside < 0 || outside > failedAt || ends[actor] === undefined) continue;
    const what = own[outside]?.label ?? '';
    return {
      anomaly: 'dirty external effect',
      words: `${name} had already done \`${what.slice(0, 60)}\`, which no rollback takes back, when its transaction failed`,
    };
  }
  return undefined;
}

function isFree({ label, store }: TraceLine): boolean {
  return (
    store.startsWith('redis') && !/^"?(set|incr|decr|hset|lpush|rpush|zadd|sadd|xadd)/i.test(label)
  );
}

/** One looked in between: at one place before, and at another behind what was written. */
function stale(accesses: readonly Access[], names: readonly string[]): Explanation | undefined {
  for (const write of accesses.filter(one => one.does !== 'reads')) {
    const before = accesses.find(
      one => one.does === 'reads' && one.actor !== write.actor && one.to < write.to,
    );
    if (before === undefined) continue;
    const later = accesses.find(
      one => one.does === 'reads' && one.actor === before.actor && one.from > write.to,
    );
    const [reader, writer] = [names[before.actor] ?? '', names[write.actor] ?? ''];
    const again = later === undefined ? '' : `, and ${later.at} after it`;
    const words = `${reader} read ${before.at} before ${writer} ${deed(write)}${again}`;
    return { anomaly: 'stale read', words };
  }
  return undefined;
}
