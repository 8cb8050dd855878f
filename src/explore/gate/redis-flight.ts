import type { RedisReply } from '../wire/resp.ts';
import type { Step } from './lane.ts';
import type { RedisWait } from './redis-wait.ts';

/** A request that was sent, or a message that is being delivered, with what came back. */
export interface RedisFlight {
  /** Undefined for what is no step. */
  readonly step: Step | undefined;
  readonly wait: RedisWait | undefined;
  /** Its connection's name at the server is asked for first: the answer is not the client's. */
  asksId: boolean;
  readonly confirmations: number;
  readonly words: readonly string[];
  readonly replies: RedisReply[];
  answered: boolean;
}

export const noWait = { wait: undefined, asksId: false, words: [] };
