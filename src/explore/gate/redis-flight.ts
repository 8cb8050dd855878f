import type { RedisReply } from '../wire/resp.ts';
import type { Step } from './lane.ts';
import { confirmations } from './redis-command.ts';
import { type RedisWait, redisWait } from './redis-wait.ts';

/** A request that was sent, or a message that is being delivered, with what came back. */
export interface RedisFlight {
  /** Undefined for requests that are not steps. */
  readonly step: Step | undefined;
  readonly wait: RedisWait | undefined;
  /** The gate asks for the connection's id first; the client does not see that answer. */
  asksId: boolean;
  readonly confirmations: number;
  readonly words: readonly string[];
  readonly replies: RedisReply[];
  answered: boolean;
}

export const noWait = { wait: undefined, asksId: false, words: [] };

/** `inMulti`: the server queues it, so it does not wait there. */
export function flightOf(
  words: readonly string[],
  step: Step | undefined,
  inMulti: boolean,
): RedisFlight {
  const wait = inMulti ? undefined : redisWait(words);
  return {
    ...{ step, wait, words, asksId: wait?.limitMs !== undefined },
    ...{ confirmations: confirmations(words), replies: [], answered: false },
  };
}
