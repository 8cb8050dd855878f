/** A Redis connection through a tap: all commands of a process share it, the struck one among them. */
import {
  type RedisReply,
  type RedisRequest,
  type RedisValue,
  RespReplies,
  RespRequests,
} from '../../../src/explore/wire/resp.ts';
import type { Purpose } from '../phases.ts';
import { type Strike, shortText } from './strike.ts';
import type { Ends, Passage } from './tap.ts';

interface Sent {
  readonly strike: Strike | undefined;
  readonly purpose: Purpose | 'other';
}

export class RedisPassage implements Passage {
  readonly #ends: Ends;
  /** `redis`, or the node: a command has one connection to each. */
  readonly #server: string;
  readonly #strikes: ReadonlySet<Strike>;
  readonly #requests = new RespRequests();
  readonly #replies = new RespReplies('latin1');
  readonly #waitingRequests: RedisRequest[] = [];
  readonly #waitingReplies: RedisReply[] = [];
  readonly #sent: Sent[] = [];
  #subscribed = false;
  #holdsRequest = false;
  #holdsReply = false;

  constructor(ends: Ends, server: string, strikes: ReadonlySet<Strike>) {
    this.#ends = ends;
    this.#server = server;
    this.#strikes = strikes;
  }

  fromClient(chunk: Buffer): void {
    this.#waitingRequests.push(...this.#requests.push(chunk));
    this.#pumpRequests();
  }

  fromServer(chunk: Buffer): void {
    if (this.#subscribed) {
      this.#ends.client.write(chunk);
      return;
    }
    this.#waitingReplies.push(...this.#replies.push(chunk));
    this.#pumpReplies();
  }

  serverEnded(): void {
    for (const { bytes } of this.#waitingReplies.splice(0))
      if (this.#ends.client.writable) this.#ends.client.write(bytes);
  }

  /** Requests behind a held one wait: their replies could not overtake its own. */
  #pumpRequests(): void {
    while (!this.#holdsRequest) {
      const request = this.#waitingRequests.shift();
      if (request === undefined) return;
      if (/^p?subscribe$/i.test(request.words[0] ?? '')) this.#subscribed = true;
      if (this.#isHeld(request)) return;
      this.#ends.server.write(request.bytes);
    }
  }

  #isHeld({ bytes, words }: RedisRequest): boolean {
    const strike = [...this.#strikes].find(
      one => bytes.includes(one.key) && one.claims(this.#server, this.#ends.name),
    );
    const purpose = strike?.lockPurpose ?? 'other';
    const sent: Sent = { strike, purpose };
    const text = shortText(commandText(words));
    if (strike?.sees({ ...this.#from('request'), purpose, text }) !== true) {
      this.#sent.push(sent);
      return false;
    }
    this.#holdsRequest = true;
    strike.held(() => {
      this.#holdsRequest = false;
      this.#sent.push(sent);
      if (this.#ends.server.writable) this.#ends.server.write(bytes);
      this.#pumpRequests();
    });
    return true;
  }

  #pumpReplies(): void {
    while (!this.#holdsReply) {
      const reply = this.#waitingReplies.shift();
      if (reply === undefined) return;
      if (!reply.push && this.#isHeldReply(reply)) return;
      this.#write(reply);
    }
  }

  #isHeldReply(reply: RedisReply): boolean {
    const { strike, purpose = 'other' } = this.#sent.shift() ?? {};
    const grants = grantOf(reply.value);
    const text = shortText(JSON.stringify(reply.value));
    if (strike?.sees({ ...this.#from('reply'), purpose, text, grants }) !== true) return false;
    this.#holdsReply = true;
    strike.held(() => {
      this.#holdsReply = false;
      this.#write(reply);
      this.#pumpReplies();
    });
    return true;
  }

  #write({ bytes }: RedisReply): void {
    if (this.#ends.client.writable) this.#ends.client.write(bytes);
  }

  #from<Side extends 'request' | 'reply'>(side: Side) {
    return { store: 'redis', connection: this.#ends.name, side } as const;
  }
}

/** What a lock store says to who gets the lock: OK, a positive number or a token; never nothing or 0. */
function grantOf(value: RedisValue): 'yes' | 'no' | 'error' {
  if (Array.isArray(value)) return grantOf(value[0] ?? null);
  if (typeof value === 'object' && value !== null) return 'error';
  const granted = typeof value === 'number' ? value > 0 : typeof value === 'string';
  return granted ? 'yes' : 'no';
}

/** Without the text of a script. */
function commandText([name = '', ...rest]: readonly string[]): string {
  const words = /^eval$/i.test(name) ? ['(script)', ...rest.slice(1)] : rest;
  return [name, ...words].join(' ');
}
