import type { Meeting } from './meeting.ts';
import type { Failing, Seen } from './seen.ts';

/** A reason why "every order satisfies the audit" says less than it seems to. */
export interface Doubt {
  readonly why: string;
  /** What to change to get a plain verdict next time. */
  readonly change: string;
}

/** The facts that doubts are derived from. */
export interface Evidence {
  readonly seen: Seen;
  readonly orders: number;
  /** The config says that the callers have nothing to do with each other. */
  readonly independent: boolean;
}

/**
 * Everything that keeps "every order satisfies the audit" from being a plain `safe`. No doubts means
 * that every caller used the watched servers, none failed unexpectedly, and they met.
 */
export function doubtsOf(evidence: Evidence, meetings: readonly Meeting[]): readonly Doubt[] {
  const { seen, orders } = evidence;
  const unseen = [...onlyOne(seen), ...doubtsOfAny(seen)];
  const doubts = [...unseen, ...failures(seen), ...hidden(seen), ...outlived(seen), ...late(seen)];
  if (unseen.length === 0 && meetings.length === 0 && !evidence.independent) doubts.push(strangers);
  return doubts.length > 0 ? doubts : tooFew(orders);
}

/** Doubts that apply to any outcome: what went unseen may be what matters. */
export function doubtsOfAny(seen: Seen): readonly Doubt[] {
  return [...elsewhere(seen), ...withoutRequests(seen)];
}

function onlyOne({ actors }: Seen): Doubt[] {
  if (actors.length > 1) return [];
  return [
    {
      why: `${actors[0] ?? 'nobody'} is the only caller, so there was nobody to race with`,
      change: 'give `actors` a second caller; the same function twice will do',
    },
  ];
}

function elsewhere({ actors, elsewhere: found }: Seen): Doubt[] {
  const targets = [...new Set(found.map(one => one.target))];
  return targets.map(target => {
    const own = found.filter(one => one.target === target);
    const who = own.map(({ actor }) => actors[actor] ?? '').join(' and ');
    const owner = actors[own[0]?.gateOf ?? -1];
    if (own[0]?.database !== undefined) {
      return {
        why: `${who} used ${target}, which is not put back before each order`,
        change:
          'use the database of the URL that the actor is given (`pgUrl`, DATABASE_URL, PGDATABASE)',
      };
    }
    if (owner !== undefined) {
      return {
        why: `${who} used a connection of ${owner}'s (${target}), so their requests cannot be told apart`,
        change:
          'open connections inside the actor, from the URLs that it is given, not in a module that both share',
      };
    }
    return {
      why: `${who} connected to ${target} past the gates, where nobody orders requests`,
      change:
        'use the URLs that the actor is given (`pgUrl`, `redisUrls`, `httpUrls`, or DATABASE_URL and its kin), ' +
        `or, if what happens there does not matter, say \`allowHosts: ['${target}']\``,
    };
  });
}

function withoutRequests({ actors, requests, elsewhere: known, failing }: Seen): Doubt[] {
  const silent = actors.filter((_, at) => {
    const told = known.some(one => one.actor === at) || failing[at]?.kind === 'never started';
    return (requests[at] ?? 0) === 0 && !told;
  });
  if (silent.length === 0) return [];
  return [
    {
      why: `${silent.join(' and ')} sent no request through the gates in any order`,
      change: 'check that it gets as far as its first query, and uses the URLs that it is given',
    },
  ];
}

function failures(seen: Seen): Doubt[] {
  const doubts = seen.actors.flatMap((name, at) => {
    const failed = seen.failing[at];
    return failed === undefined ? [] : failureDoubt(name, failed, seen.plain);
  });
  if (doubts.length > 0 || seen.served || seen.plain === 0) return doubts;
  return [
    {
      why: 'no caller got what it asked for in any order: all were refused',
      change: 'let `setup` make what the callers want, so that at least one of them can succeed',
    },
  ];
}

function failureDoubt(name: string, { kind, orders, example }: Failing, plain: number): Doubt[] {
  const always = orders === plain;
  if (kind === '4xx' && !always) return []; // being refused is normal for the second caller
  const often = always ? 'in every order' : `in ${orders} of ${plain} orders without an event`;
  if (kind === 'never started') {
    const change = 'start it by hand, with the same command and environment';
    return [{ why: `${name} never started ${often}: ${example}`, change }];
  }
  const first = kind === '4xx' ? 'check the path and the body of the request' : 'mend it';
  return [
    {
      why: `${name} ${kind === 'threw' ? '' : 'was '}${example} ${often}`,
      change: `${first}, or, if callers are meant to be refused so, say \`refusals: ['${codeOf(example)}']\``,
    },
  ];
}

/** The best name for an end: its SQLSTATE, exit code, HTTP status or first words. */
function codeOf(example: string): string {
  const end = example.replace(/^(threw|told) /, '');
  const code = end.match(/^([0-9A-Z]{5}|exit \d+|\d{3})\b/)?.[1];
  return code ?? end.split(/[:'…]/)[0]?.trim() ?? '';
}

function hidden({ hides }: Seen): Doubt[] {
  if (hides.size === 0) return [];
  return [
    {
      why: `one message held several steps, and what comes between them was not tried: ${hiddenText([...hides])}`,
      change:
        'let the callers send these statements one by one, a message for each, or, where nothing that others do ' +
        'in between can matter, name the function or the table in `oneStep`',
    },
  ];
}

const labelCharactersMax = 60;

/** `` `call book()` (a procedure that may commit) ``, with commas between several. */
function late({ late: asked }: Seen): Doubt[] {
  if (asked.size === 0) return [];
  const [first = ''] = asked;
  return [
    {
      why: `a timer that fires behind the answer of its caller was not run: ${first}`,
      change: 'let the caller wait for it before it returns, or clear the timer',
    },
  ];
}

/** An event that was not switched on, though it would certainly have happened. */
function outlived({ outlived: keys }: Seen): Doubt[] {
  if (keys.size === 0) return [];
  const names = [...keys].slice(0, 3).join(', ');
  return [
    {
      why: `a caller slept longer than the Redis key ${names} had left to live, and nothing ended it`,
      change: 'ask for `--events lease-expires`, so that orders in which it ends are run, too',
    },
  ];
}

export function hiddenText(hides: readonly string[]): string {
  const parts = hides.map(one => {
    const at = one.lastIndexOf(': ');
    const label = one.slice(0, at);
    const cut = label.length > labelCharactersMax;
    return `\`${cut ? `${label.slice(0, labelCharactersMax - 1)}…` : label}\` (${one.slice(at + 2)})`;
  });
  return parts.join(', ');
}

const strangers: Doubt = {
  why: 'the callers never met: nobody waited, no answer depended on the order, and no row or key was used by two of them and written by one',
  change:
    "let them want the same thing (the same row, seat or key), or say `expect: 'independent'` if it is what " +
    'you test that they do not meet',
};

function tooFew(orders: number): Doubt[] {
  if (orders > 1) return [];
  return [
    {
      why: orders === 0 ? 'no order ran to its end' : 'there was only one order',
      change:
        'look whether the bound leaves room (`preemptions`), and whether each caller has something to do',
    },
  ];
}
