import type { Verdict } from './judge.ts';
import { NotPutBack } from './run/not-put-back.ts';
import { leaseAdvice } from './run/ran-out.ts';
import { Unjudged } from './run/unjudged.ts';
import { Nondeterministic } from './search/point.ts';
import { NotRepeatable } from './serial/serial-outcomes.ts';
import { UnsupportedWire } from './wire/postgres-unit.ts';

/** Why there is no database to explore on, or nothing to explore in it. */
export function setupFailed(error: unknown): Verdict {
  return { outcome: 'setup-failed', why: causesOf(error), advice: setupAdvice(error) };
}

/** A replay could not be set up: the message says why, and what to change. */
export class SetupFailed extends Error {
  override readonly name = 'SetupFailed';

  constructor(cause: unknown) {
    const { why, advice = '' } = setupFailed(cause);
    super(`setup-failed: ${why}\nWhat to change: ${advice}`, { cause });
  }
}

/** Why the search stopped early. */
export function searchFailed(error: unknown): Verdict {
  if (error instanceof Error && error.cause instanceof Nondeterministic) {
    return { outcome: 'inconclusive', why: error.message, advice: leaseAdvice };
  }
  if (error instanceof Nondeterministic) return nondeterministic(error);
  if (error instanceof UnsupportedWire) {
    return {
      outcome: 'inconclusive',
      why: error.message,
      advice:
        'a client or server uses a part of the protocol that the explorer does not support: connect without ' +
        'TLS or compression, and directly to the server',
    };
  }
  if (isConnectionLost(error)) {
    return {
      outcome: 'inconclusive',
      why: `the explorer lost a server: ${messageOf(error)}`,
      advice: 'check the log of that server; the orders completed before are counted',
    };
  }
  if (error instanceof NotPutBack) {
    return {
      outcome: 'inconclusive',
      why: `not every order began from the same world: ${error.message}`,
      advice: 'end what is named there, or undo in `reset` what the explorer does not know of',
    };
  }
  if (error instanceof NotRepeatable) {
    return {
      outcome: 'inconclusive',
      why: `no serial order to compare with: ${error.message}`,
      advice:
        'look for what chance or the real time decides, say in `ignore` what does not matter, or judge by an `audit`',
    };
  }
  if (error instanceof Unjudged) {
    return { outcome: 'setup-failed', why: causesOf(error), advice: 'correct it in the config' };
  }
  return {
    outcome: 'internal-error',
    why: `the explorer itself failed: ${messageOf(error)}`,
    advice: 'this is a bug in the explorer, not in your code: please report it with this text',
    cause: stackOf(error),
  };
}

function nondeterministic(error: Nondeterministic): Verdict {
  return {
    outcome: 'nondeterministic',
    why: `the same order met other steps when it was repeated: ${error.message}`,
    advice:
      'look for what lives on outside the databases from one order to the next (a variable of a module, a ' +
      'file, another service: put it back in `reset`) and for what chance or the real time decides',
  };
}

const sqlState = /^[0-9A-Z]{5}$/;

function setupAdvice(error: unknown): string {
  if (error instanceof Unjudged) return 'correct it in the config';
  const code = codeOf(error);
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'ETIMEDOUT') {
    return 'start that server, or give the address of another (DATABASE_URL, REDIS_URL, `servers`)';
  }
  if (code === '28P01' || code === '28000') return 'correct the user or the password of the URL';
  if (code === '42501') return 'give the role of the URL the right that is missing';
  if (code !== undefined && sqlState.test(code))
    return 'correct `setup`; it runs in an empty database of its own';
  return 'correct what it names, and run it again';
}

/** The message of an error and of what caused it, each once. */
function causesOf(error: unknown): string {
  const parts: string[] = [];
  for (let at = error, depth = 0; at !== undefined && depth < 5; depth++) {
    const text = messageOf(at);
    if (!parts.some(part => part.includes(text))) parts.push(text);
    at = at instanceof Error ? at.cause : undefined;
  }
  return parts.join(': ');
}

/** Node leaves the message empty when several attempts to connect have failed. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join(', ');
  }
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    at = at.cause;
  }
  return undefined;
}

function isConnectionLost(error: unknown): boolean {
  const code = codeOf(error) ?? '';
  const lost =
    /Connection terminated|lost its Redis connection|connection is closed|not queryable/i;
  return /^(ECONN|EPIPE|57P0)/.test(code) || lost.test(messageOf(error));
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${stackOf(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
