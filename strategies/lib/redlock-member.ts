import type { Redis } from 'ioredis';
import type { Caller } from 'redlock';
import { type Backends, codeOfReply, Failure, isFailure } from '../../src/contract/index.ts';
import { Orphans } from './orphans.ts';
import { assertNoMisuse } from './redis-leases.ts';
import { connected, isReply, redisFailure } from './redis-script.ts';

/** The independent nodes of one Redlock, of which a majority has to agree. */
export class Members {
  readonly all: readonly Member[];
  readonly quorum: number;

  /** Refuses a number of nodes that cannot be right, with `Failure('internal-error')`. */
  constructor({ redisNodes, now, sleep }: Pick<Backends, 'redisNodes' | 'now' | 'sleep'>) {
    assertOdd(redisNodes.length);
    this.quorum = Math.floor(redisNodes.length / 2) + 1;
    this.all = redisNodes.map(redis => new Member(redis, new Orphans({ sleep }), now));
  }

  /** Waits for connections that are being made; nothing to wait for where all nodes are ready. */
  async connect(): Promise<void> {
    if (this.all.every(member => member.ready)) return;
    await Promise.all(this.all.map(member => member.connect()));
  }

  /** Throws `Failure('redis-unavailable')` where too few nodes answer to say who has the turn. */
  assertMajority(because: unknown): void {
    const answering = this.all.filter(member => member.answers).length;
    if (answering < this.quorum) throw redisFailure(because);
  }

  /**
   * The same after a try to take a turn, for which a node that answers may still refuse to vote. Throws
   * what they refuse, if all who do not vote refuse the same, else `Failure('redis-unavailable')`.
   */
  assertVoting(because: unknown): void {
    const silent = this.all.filter(member => !member.answers || member.refusal !== undefined);
    if (this.all.length - silent.length >= this.quorum) return;
    const [first, ...others] = silent.map(({ refusal }) => refusal);
    const same = others.every(other => codeOfReply(other) === codeOfReply(first));
    throw redisFailure(same && codeOfReply(first) ? first : because);
  }

  /** Throws `Failure('lock-key-misused')` where no majority can come about any more. */
  async inspect(resources: readonly string[]): Promise<void> {
    const misused: unknown[] = [];
    const inspected = this.all.map(member => member.inspect(resources));
    for (const answer of await Promise.allSettled(inspected))
      if (answer.status === 'rejected' && isMisuse(answer.reason)) misused.push(answer.reason);
    if (this.all.length - misused.length < this.quorum) throw misused[0];
  }

  /** The library's scripts by which votes are taken and given back. */
  set scripts(scripts: Scripts) {
    for (const member of this.all) member.scripts = scripts;
  }

  close(): void {
    for (const member of this.all) member.close();
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

const sameTryMs = 100; // a node that has just let a try run out of time is not waited for again

/** A vote that was asked for and is not known: it may still be given, when the node thaws. */
interface OpenVote {
  /** When the answer was given up; undefined while it is waited for. */
  lostMs?: number;
  /** The node let the try run out of time; one whose connection broke is asked again at once. */
  silent?: boolean;
  /** Whether it has been given back meanwhile, by a message that may be too early or not understood. */
  given: boolean;
}

/** One node as the library sees it: remembers whether it answers, and clears away late votes. */
export class Member implements Caller {
  answers = true;
  /** The error reply by which it refused its last vote. Giving back is no vote: it may well do that. */
  refusal: unknown;
  scripts: Scripts | undefined;
  readonly #redis: Redis;
  readonly #orphans: Orphans;
  readonly #now: () => number;
  readonly #open = new Map<string, OpenVote>();

  constructor(redis: Redis, orphans: Orphans, now: () => number) {
    this.#redis = redis;
    this.#orphans = orphans;
    this.#now = now;
  }

  get ready(): boolean {
    return this.#redis.status === 'ready';
  }

  /** Waits for a connection that is being made; never throws, the others may be enough. */
  async connect(): Promise<void> {
    await connected(this.#redis).catch(() => {
      this.answers = false;
    });
  }

  evalsha(sha: string, keyCount: number, args: Arguments): Promise<unknown> {
    const send = () => this.#redis.evalsha(sha, keyCount, ...args);
    if (sha === this.scripts?.take.hash) return this.#take(send, keyCount, args);
    if (sha === this.scripts?.give.hash) return this.#give(send, keyCount, args);
    return this.#noted(send);
  }

  eval(lua: string, keyCount: number, args: Arguments): Promise<unknown> {
    const send = () => this.#redis.eval(lua, keyCount, ...args);
    return lua === this.scripts?.take.value ? this.#take(send, keyCount, args) : this.#noted(send);
  }

  inspect(resources: readonly string[]): Promise<void> {
    return assertNoMisuse(this.#redis, resources);
  }

  close(): void {
    this.#orphans.close();
  }

  async #take(send: () => Promise<unknown>, keyCount: number, args: Arguments): Promise<unknown> {
    const owner = ownerOf(keyCount, args);
    const vote: OpenVote = { given: false };
    if (this.ready) this.#open.set(owner, vote); // else it is not sent
    try {
      const result = await this.#noted(send);
      this.#open.delete(owner);
      this.refusal = undefined;
      return result;
    } catch (error) {
      this.refusal = codeOfReply(error) && error;
      vote.lostMs = this.#now();
      vote.silent = isTimeout(error);
      if (isReply(error)) this.#open.delete(owner);
      else if (vote.given && this.#open.delete(owner)) this.#giveLater(keyCount, args);
      throw error;
    }
  }

  async #give(send: () => Promise<unknown>, keyCount: number, args: Arguments): Promise<unknown> {
    const owner = ownerOf(keyCount, args);
    const vote = this.#open.get(owner);
    if (vote) vote.given = true;
    if (vote?.lostMs !== undefined) {
      this.#open.delete(owner);
      this.#giveLater(keyCount, args);
      if (vote.silent && this.#now() - vote.lostMs < sameTryMs)
        throw new Error('the node did not answer');
    }
    const sent = this.ready;
    return this.#noted(send).catch((error: unknown) => {
      if (sent && !vote && !isReply(error)) this.#giveLater(keyCount, args);
      throw error;
    });
  }

  /** By its text: a node that was away may find the vote in its queue, and not know the script. */
  #giveLater(keyCount: number, args: Arguments): void {
    const lua = this.scripts?.give.value;
    const owned = args.slice(0, keyCount + 1);
    if (lua !== undefined) this.#orphans.add(() => this.#redis.eval(lua, keyCount, ...owned));
  }

  async #noted(send: () => Promise<unknown>): Promise<unknown> {
    try {
      const result = await send();
      this.answers = true;
      return result;
    } catch (error) {
      const isNew = error instanceof Error && error.message.startsWith('NOSCRIPT');
      this.answers = isNew || codeOfReply(error) !== undefined;
      throw error;
    }
  }
}

function isMisuse(error: unknown): boolean {
  return isFailure(error) && error.code === 'lock-key-misused';
}

/** The client's word for an answer that did not come in time: `src/store/redis.ts`. */
function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

/** The library's random value behind the keys: whose vote it is. */
function ownerOf(keyCount: number, args: Arguments): string {
  return String(args[keyCount]);
}
