import type { Redis } from 'ioredis';
import type { Caller } from 'redlock';
import { type Backends, Failure } from '../../src/contract/index.ts';
import { Orphans } from './orphans.ts';
import { connected, redisUnavailable } from './redis-script.ts';

/** The independent nodes of one Redlock, of which a majority has to agree. */
export class Members {
  readonly all: readonly Member[];
  readonly quorum: number;
  readonly #orphans: Orphans;

  /** Refuses a number of nodes that cannot be right, with `Failure('internal-error')`. */
  constructor({ redisNodes, now, sleep }: Pick<Backends, 'redisNodes' | 'now' | 'sleep'>) {
    assertOdd(redisNodes.length);
    const orphans = new Orphans({ now, sleep });
    this.#orphans = orphans;
    this.quorum = Math.floor(redisNodes.length / 2) + 1;
    this.all = redisNodes.map(redis => new Member(redis, orphans, now));
  }

  /** Waits for connections that are being made. */
  async connect(): Promise<void> {
    await Promise.all(this.all.map(member => member.connect()));
  }

  /** Throws `Failure('redis-unavailable')` where too few nodes answer to say who has the turn. */
  assertMajority(because: unknown): void {
    const answering = this.all.filter(member => member.answers).length;
    if (answering < this.quorum) throw redisUnavailable(because);
  }

  /** The script by which votes are given back. */
  set release(script: Script) {
    for (const member of this.all) member.release = script;
  }

  close(): void {
    this.#orphans.close();
  }
}

/** With an even number each side can have half of the votes, and the library then never settles. */
function assertOdd(count: number): void {
  if (count >= 3 && count % 2 === 1) return;
  throw new Failure('internal-error', {
    message: `Redlock needs an odd number of independent Redis nodes, at least 3; REDIS_NODES names ${count}`,
  });
}

interface Script {
  readonly value: string;
  readonly hash: string;
}

const giveAgainMs = 10_000; // for this long a vote that could not be given back is tried again
const silentMs = 500; // for this long a node that let a command run out of time is not waited for again

/** One node as the library sees it: remembers whether it answers, and clears away late votes. */
export class Member implements Caller {
  answers = true;
  release: Script | undefined;
  readonly #redis: Redis;
  readonly #orphans: Orphans;
  readonly #now: () => number;
  #silentUntilMs = 0;

  constructor(redis: Redis, orphans: Orphans, now: () => number) {
    this.#redis = redis;
    this.#orphans = orphans;
    this.#now = now;
  }

  /** Waits for a connection that is being made; never throws, the others may be enough. */
  async connect(): Promise<void> {
    await connected(this.#redis).catch(() => {
      this.answers = false;
    });
  }

  async evalsha(sha: string, keyCount: number, args: readonly (string | number)[]) {
    const releases = this.release !== undefined && sha === this.release.hash;
    if (releases && this.#now() < this.#silentUntilMs) {
      // not waited for a second time; and its vote may still come, where it does not know the script
      this.#giveLater(keyCount, args);
      throw new Error('the node did not answer');
    }
    return this.#noted(this.#redis.evalsha(sha, keyCount, ...args));
  }

  eval(lua: string, keyCount: number, args: readonly (string | number)[]): Promise<unknown> {
    return this.#noted(this.#redis.eval(lua, keyCount, ...args));
  }

  #giveLater(keyCount: number, args: readonly (string | number)[]): void {
    const lua = this.release?.value;
    if (lua === undefined || this.#redis.status !== 'ready') return; // away: nothing was sent
    this.#orphans.add(() => this.#redis.eval(lua, keyCount, ...args), giveAgainMs);
  }

  async #noted(answer: Promise<unknown>): Promise<unknown> {
    try {
      const result = await answer;
      this.answers = true;
      this.#silentUntilMs = 0;
      return result;
    } catch (error) {
      const message = error instanceof Error ? error.message : '';
      this.answers = message.startsWith('NOSCRIPT');
      if (message === 'Command timed out') this.#silentUntilMs = this.#now() + silentMs;
      throw error;
    }
  }
}
