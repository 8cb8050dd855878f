import { type Caller, type Program, type Request, requestText } from './program.ts';

interface Uses {
  readonly reads: ReadonlySet<string>;
  readonly writes: ReadonlySet<string>;
}

/** Whether two callers use one object that one of them writes or locks; otherwise no order matters. */
export function meets({ callers }: Program): boolean {
  const all = callers.map(usesOf);
  return all.some((one, at) => {
    const others = all.filter((_, other) => other !== at);
    return [...one.writes].some(thing => others.some(({ reads }) => reads.has(thing)));
  });
}

function usesOf({ steps }: Caller): Uses {
  const requests = steps.map(({ request }) => request);
  const writing = requests.filter(writes);
  return {
    reads: new Set(requests.flatMap(thingsOf)),
    writes: new Set(writing.flatMap(thingsOf)),
  };
}

/** The tables (also those used by functions), advisory locks, channels and Redis keys of a request. */
function thingsOf(request: Request): string[] {
  const text = requestText(request);
  if (!('sql' in request)) {
    if (/\b(KEYS|SCAN|DBSIZE|FLUSHDB)\b/.test(text)) return ['k1', 'k2', 'n'];
    return text.match(/\b(k1|k2|n|news)\b/g) ?? (/'k' \.\. ARGV/.test(text) ? ['k1', 'k2'] : []);
  }
  const named = text.match(
    /\b(slot|seat|parent|quota|entry|bill|ticket|told|owner|stamp|noise|parted|advisory|lock)\b/g,
  );
  const through: [RegExp, string][] = [
    [/\b(hold|refuse)\(/, 'slot'],
    [/\bgrab\(/, 'seat'],
    [/\bchild\b/, 'parent'],
    [/\bpet\b/, 'owner'],
    [/\bheard\b/, 'noise'],
    [/\bpart_1\b/, 'parted'],
    [/\bslots_seen\b/, 'slot'],
    [/\bbill_id_seq\b/, 'bill'],
    [/\bstamp_too\b/, 'stamp'],
    [/\btotal\b/, 'entry'],
    [/advisory|try_lock/, 'advisory'],
  ];
  const reached = through.flatMap(([pattern, thing]) => (pattern.test(text) ? [thing] : []));
  return [...(named ?? []), ...reached];
}

function writes(request: Request): boolean {
  const text = requestText(request);
  if ('sql' in request) {
    return /\b(insert|update|delete|share|lock table|nextval|notify|pg_notify|hold|grab)\b|lock\(/.test(
      text,
    );
  }
  return /\b(SET|DEL|INCR|MSET|RENAME|GETDEL|FLUSHDB|PUBLISH|EVAL)\b/.test(text);
}
