import type { RequestHandler } from 'express';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Guardian, isFailure, type LockRelease, type Strategy } from '../contract/index.ts';
import { errorMessage } from '../error-message.ts';
import { parse } from '../scenarios/input.ts';
import { type PostgresLocks, postgresKinds } from '../store/lock-view.ts';
import { answer, Problem } from './answer.ts';
import { readBody } from './body.ts';

/** What the lock routes need. */
export interface LockParts {
  /** The one that the service runs. */
  readonly strategy: { readonly name: string; readonly declared: Strategy };
  /** Its open turns. */
  readonly turns: () => Promise<readonly Guardian[]>;
  readonly postgres: PostgresLocks;
  readonly log: Logger;
}

/** The parameter of the lock routes. */
export const lockParams = z.object({
  key: z
    .string()
    .max(100)
    .regex(
      /^[a-z_][a-z0-9_]*\/[1-9]\d{0,17}$/,
      'must be a resource key with its slash as %2F, such as gift_cards%2F42',
    ),
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: what is refused; tools that read the schema do not know \p{…}
const oneLine = /^[^\u0000-\u001f\u007f-\u009f]*$/;

const kinds = ['lease', 'advisory lock', 'table lock', 'row lock'] as const;
const line = z.string().min(3).max(200).regex(oneLine, 'must be one line');

/** What a release must say. */
export const lockBody = z.strictObject({
  kind: z.enum(kinds),
  /** As `GET` told it. */
  holder: z.string().min(3).max(100),
  /** Who asks for it and why, for the log. */
  by: line,
  reason: line,
});

/** `GET /admin/locks/:key`: who has the locks of a key under the running strategy, and who waits. */
export function lockShown(parts: LockParts): RequestHandler {
  return async (request, response) => {
    const { key } = parse(lockParams, request.params);
    const { strategy } = parts;
    response.setHeader('cache-control', 'no-store');
    answer(response, 200, { key, strategy: strategy.name, locks: await locksOf(parts, key) });
  };
}

async function locksOf({ strategy, turns, postgres }: LockParts, key: string) {
  const { declared } = strategy;
  const [taken, states] = await Promise.all([
    turnStates(declared, turns, key),
    postgres.inspect(key, postgresKinds(declared)),
  ]);
  return [...taken, ...states];
}

/** Session locks are locks of Postgres, which shows them itself. */
async function turnStates(
  { turns: declared }: Strategy,
  turns: LockParts['turns'],
  key: string,
): Promise<readonly object[]> {
  if (declared.length === 0) return [];
  try {
    const guardians = await turns();
    const states = await Promise.all(
      guardians.map(async (guardian, index): Promise<readonly object[]> => {
        if (guardian.inspect) return guardian.inspect(key);
        const heldBy = declared[index]?.heldBy;
        if (heldBy === 'session') return [];
        const unknown = 'only the process that holds it can tell';
        return [{ kind: heldBy, at: 'each process', holders: [], waiters: [], unknown }];
      }),
    );
    return states.flat();
  } catch (error) {
    return [{ kind: 'lease', at: 'redis', holders: [], waiters: [], unknown: errorMessage(error) }];
  }
}

/** What a release did, in words: it is the holder who has to bear it. */
const meanings: Readonly<Record<(typeof kinds)[number], string>> = {
  lease:
    'The lease is free, and somebody else may have it now. Its holder still works until it next looks, and is ' +
    'then told that its lock is lost: between the two, only a check of the store (a fence, a constraint) ' +
    'keeps both from committing.',
  'advisory lock': backendMeaning('the lock is free'),
  'table lock': backendMeaning('the table is free'),
  'row lock': backendMeaning('the row is free'),
};

function backendMeaning(what: string): string {
  return (
    `The session of the holder was ended: its transaction is rolled back and ${what}, with every other lock ` +
    'that it had. Its command may try again by itself.'
  );
}

/** `POST /admin/locks/:key/release`: ends the hold that the body names, and no other. */
export function lockReleased(parts: LockParts): RequestHandler {
  return async (request, response) => {
    const { key } = parse(lockParams, request.params);
    const asked = parse(lockBody, (await readBody(request, response)) ?? {});
    const { kind, holder, by, reason } = asked;
    const seen = {
      lock: key,
      kind,
      holder,
      by,
      reason,
      requestId: response.getHeader('x-request-id'),
    };
    const end = await release(parts, key, asked).catch((error: unknown) => {
      if (error instanceof Problem) throw error; // refused: told to who asked
      parts.log.error({ ...seen, err: error }, 'a lock could not be released by an operator');
      throw new Problem(
        'lock-store-unavailable',
        errorMessage(isFailure(error) ? (error.cause ?? error) : error),
      );
    });
    parts.log.warn({ ...seen, end }, 'a lock was to be released by an operator');
    if (end === 'changed') {
      const locks = await locksOf(parts, key);
      throw new Problem('lock-holder-changed', undefined, { locks });
    }
    const meaning =
      end === 'released' ? meanings[kind] : 'Nobody held it any more; nothing was done.';
    answer(response, 200, { key, kind, holder, released: end === 'released', meaning });
  };
}

async function release(
  { strategy, turns, postgres }: LockParts,
  key: string,
  { kind, holder }: z.infer<typeof lockBody>,
): Promise<LockRelease> {
  if (kind !== 'lease') {
    if (postgresKinds(strategy.declared).includes(kind)) return postgres.release(key, kind, holder);
    throw new Problem('lock-not-taken', `${strategy.name} takes no ${kind}.`);
  }
  const ends: LockRelease[] = [];
  for (const guardian of await turns())
    if (guardian.release) ends.push(await guardian.release(key, holder));
  if (ends.length === 0)
    throw new Problem(
      'lock-not-taken',
      `${strategy.name} takes no lease that could be given back here.`,
    );
  return (['released', 'changed', 'free'] as const).find(end => ends.includes(end)) ?? 'free';
}
