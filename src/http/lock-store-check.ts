import { randomBytes } from 'node:crypto';
import type { Config } from '../config.ts';
import { type Backends, Failure, type Guardian, type Strategy } from '../contract/index.ts';
import { errorMessage } from '../error-message.ts';
import { openBackends } from '../store/backends.ts';
import { connectRedis } from '../store/redis.ts';
import { redisPlace } from '../store/redis-url.ts';
import { isDenied, isLoginRefused, isMoved, tlsAdvice } from '../store/refusals.ts';

/** What the user of the lock store must be allowed: https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/ */
export const neededPermissions =
  '~lockstep:* &lockstep:* +@connection +info +set +get +exists +del +pexpire +pttl +incr +eval +evalsha ' +
  '+time +zadd +zpopmin +zrem +zcard +zrange +hset +hget +hdel +publish +subscribe';

/** A lock store and the variable that names it. */
export interface NamedStore {
  readonly variable: 'REDIS_URL' | 'REDIS_NODES';
  readonly url: string;
}

const answerMaxMs = 1_000;

/**
 * Why the lock stores refuse this service, a sentence each: password, certificate, and what the strategy
 * needs and the user may not do. A store that is down is no refusal: it may come back.
 */
export async function lockStoreProblems(
  config: Config,
  stores: readonly NamedStore[],
  strategy: Strategy,
): Promise<readonly string[]> {
  const login = await Promise.all(stores.map(loginProblem));
  const refused = login.flatMap(problem => problem ?? []);
  return refused.length > 0 ? refused : rehearsalProblems(config, stores, strategy);
}

/** Connects; the first word of the server decides. Undefined if it lets us in or does not answer. */
async function loginProblem({ variable, url }: NamedStore): Promise<string | undefined> {
  const place = `${variable}: Redis at ${redisPlace(url)}`;
  let stop: () => void = () => {};
  const problem = new Promise<string | undefined>(resolve => {
    const timer = setTimeout(resolve, answerMaxMs, undefined);
    const onError = (error: Error): void => {
      const advice = tlsAdvice(error, 'NODE_EXTRA_CA_CERTS=/path/ca.pem in the environment');
      if (advice !== undefined) resolve(`${place} cannot be used: ${advice}.`);
      if (isLoginRefused(error))
        resolve(
          `${place} refuses the user or the password in the URL (${firstWords(error)}); correct it.`,
        );
    };
    const redis = connectRedis({ url, leaseMs: 10 * answerMaxMs, onError });
    redis.once('ready', () => resolve(undefined));
    stop = () => {
      clearTimeout(timer);
      redis.disconnect();
    };
  });
  return problem.finally(() => stop());
}

/** Redis may repeat what was sent, and that is no text for a log. */
function firstWords(error: Error): string {
  return error.message.slice(0, 120);
}

const leaseMs = 300;
/** Longer than a third of the lease: it is extended once. */
const heldMs = 160;
const waitMs = 2_000;

/**
 * Two callers take one turn of the strategy after another on a key of their own, the first for so long
 * that its lease is extended: so every command is sent that the strategy needs, and nothing is left.
 */
async function rehearsalProblems(
  config: Config,
  stores: readonly NamedStore[],
  strategy: Strategy,
): Promise<readonly string[]> {
  const turns = strategy.turns.filter(({ heldBy }) => heldBy === 'lease');
  if (turns.length === 0 || stores.length === 0) return [];
  const denied = new Map<string, string>();
  const onDenied = (url: string, error: Error): void => {
    denied.set(url, firstWords(error));
  };
  const backends = openBackends({
    databaseUrl: config.databaseUrl ?? 'postgres://127.0.0.1/unused',
    redisUrl: stores.find(({ variable }) => variable === 'REDIS_URL')?.url,
    redisNodeUrls: stores.filter(({ variable }) => variable === 'REDIS_NODES').map(one => one.url),
    lockConnectionsMax: 1,
    waitMs,
    leaseMs: config.tuning.leaseMs,
    onRefused: onDenied,
  });
  try {
    await backends.connected;
    const tuning = { ...config.tuning, leaseMs, extendLease: true, waitMs };
    for (const turn of turns) {
      const guardian = await turn.open(backends, tuning).catch((error: unknown) => {
        noteRefusal(error, stores, onDenied);
        return undefined;
      });
      if (guardian) await rehearse(guardian, backends).finally(() => guardian.close());
    }
  } finally {
    await backends.close();
  }
  return [...denied].map(([url, said]) => problemOf(url, said, stores));
}

/** What they end with is of no account: a store that is down is told by the commands of callers. */
async function rehearse(guardian: Guardian, { now, sleep }: Backends): Promise<void> {
  const keys = [`startup check/${randomBytes(8).toString('hex')}`];
  const attempt = {
    commandId: 'startup check',
    number: 1,
    deadlineMs: now() + waitMs,
    report: () => {},
    failure: (code: Failure['code'], cause?: unknown) => new Failure(code, { cause }),
  };
  await Promise.allSettled([
    guardian.turn(attempt, keys, () => sleep(heldMs)),
    guardian.turn(attempt, keys, async () => {}),
  ]);
}

/** A channel that may not be listened to fails the opening, on a connection of the strategy's own. */
function noteRefusal(
  error: unknown,
  [store]: readonly NamedStore[],
  note: (url: string, error: Error) => void,
): void {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (store && cause instanceof Error && isDenied(cause)) note(store.url, cause);
}

function problemOf(url: string, said: string, stores: readonly NamedStore[]): string {
  const variable = stores.find(store => store.url === url)?.variable ?? 'REDIS_URL';
  const place = `${variable}: Redis at ${redisPlace(url)}`;
  if (isMoved(new Error(said)))
    return (
      `${place} is a node of a Redis Cluster (${errorMessage(said)}); ` +
      'write redis+cluster:// with some of its nodes, or use a Redis that stands alone.'
    );
  return `${place} denies its user what the strategy needs (${said}); allow it ${neededPermissions}`;
}
