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
    this.all = redisNodes.map(redis => new Member(redis, orphans));
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

  /** The library's scripts by which votes are taken and given back. */
  set scripts(scripts: Scripts) {
    for (const member of this.all) member.scripts = scripts;
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

interface Scripts {
  readonly take: Script;
  readonly give: Script;
}

type Arguments = readonly (string | number)[];

const giveAgainMs = 10_000; // for this long a vote that could not be given back is tried again

/** One node as the library sees it: remembers whether it answers, and clears away late votes. */
export class Member implements Caller {
  answers = true;
  scripts: Scripts | undefined;
  readonly #redis: Redis;
  readonly #orphans: Orphans;
  /** Owners whose vote was asked for and not answered: it may still be given, when the node thaws. */
  readonly #unanswered = new Set<string>();

  constructor(redis: Redis, orphans: Orphans) {
    this.#redis = redis;
    this.#orphans = orphans;
  }

  /** Waits for a connection that is being made; never throws, the others may be enough. */
  async connect(): Promise<void> {
    await connected(this.#redis).catch(() => {
      this.answers = false;
    });
  }

  async evalsha(sha: string, keyCount: number, args: Arguments): Promise<unknown> {
    const { take, give } = this.scripts ?? {};
    if (sha === give?.hash && this.#unanswered.delete(ownerOf(keyCount, args))) {
      // not waited for a second time; by its text, since the node may not know the script
      this.#giveLater(keyCount, args);
      throw new Error('the node did not answer');
    }
    const answer = this.#redis.evalsha(sha, keyCount, ...args);
    return this.#noted(answer, sha === take?.hash, keyCount, args);
  }

  eval(lua: string, keyCount: number, args: Arguments): Promise<unknown> {
    const answer = this.#redis.eval(lua, keyCount, ...args);
    return this.#noted(answer, lua === this.scripts?.take.value, keyCount, args);
  }

  #giveLater(keyCount: number, args: Arguments): void {
    const lua = this.scripts?.give.value;
    const owner = [...args.slice(0, keyCount), ownerOf(keyCount, args)];
    if (lua !== undefined)
      this.#orphans.add(() => this.#redis.eval(lua, keyCount, ...owner), giveAgainMs);
  }

  async #noted(answer: Promise<unknown>, takes: boolean, keyCount: number, args: Arguments) {
    const sent = this.#redis.status === 'ready';
    try {
      const result = await answer;
      this.answers = true;
      return result;
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: '', message: '' };
      this.answers = message.startsWith('NOSCRIPT');
      if (takes && sent && name !== 'ReplyError') this.#unanswered.add(ownerOf(keyCount, args));
      throw error;
    }
  }
}

/** The library's random value behind the keys: whose vote it is. */
function ownerOf(keyCount: number, args: Arguments): string {
  return String(args[keyCount]);
}
