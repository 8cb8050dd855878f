import { Redis } from 'ioredis';
import pg from 'pg';
import { z } from 'zod';
import type { ActorFunction, ActorUrls } from '../../../src/explore/explore.ts';
import type { Caller, ProgramStep, Request } from './program.ts';

/** A program's caller as an actor. Resolves to everything it was told; never rejects for a lost connection. */
export function actorOf({ steps, options }: Caller): ActorFunction {
  return async urls => {
    const told: string[] = [];
    const session = new Session(urls, options, told);
    try {
      await session.open(steps);
      await session.run(steps);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      told.push('connection lost');
    } finally {
      await session.close();
    }
    return told;
  };
}

/** In the actor's own time, which advances only by a choice of the search. */
const patienceMs = 1_000;

/** The connection is lost: no further request can be sent. */
class Gone extends Error {}

class Session {
  readonly #urls: ActorUrls;
  readonly #told: string[];
  readonly #pg: pg.Client;
  #redis: Redis | undefined;
  #subscriber: Redis | undefined;
  #usesPg = false;
  #yes = false;
  #savepoint = false;
  #rings: () => void = () => undefined;

  constructor(urls: ActorUrls, options: string | undefined, told: string[]) {
    this.#urls = urls;
    this.#told = told;
    const given = options === undefined ? {} : { options };
    this.#pg = new pg.Client({ connectionString: urls.pgUrl, ...given });
    this.#pg.on('error', () => undefined);
    this.#pg.on('notification', ({ channel, payload }) => this.#heard(`${channel} ${payload}`));
  }

  async open(steps: readonly ProgramStep[]): Promise<void> {
    this.#usesPg = steps.some(({ request }) => 'sql' in request);
    if (this.#usesPg) await this.#pg.connect().catch(gone);
    if (steps.some(({ request }) => !('sql' in request || 'hears' in request)))
      this.#redis = this.#open();
  }

  #open(): Redis {
    const options = { maxRetriesPerRequest: 0, retryStrategy: () => null };
    return new Redis(this.#urls.redisUrl, options).on('error', () => undefined);
  }

  async run(steps: readonly ProgramStep[]): Promise<void> {
    let skips = false;
    for (const { request, when } of steps) {
      const ends = 'sql' in request && /^(commit|rollback(?! to))/.test(request.sql);
      if (skips) {
        skips = !ends;
        continue;
      }
      if (when !== undefined && (when === 'yes') !== this.#yes) continue;
      await this.#send(request);
      if (!('sql' in request)) continue;
      if (/^savepoint/.test(request.sql)) this.#savepoint = true;
      if (ends) this.#savepoint = false;
      if (this.#pg.getTransactionStatus() !== 'E') continue;
      // a savepoint saves the transaction; without one, its remaining steps are skipped
      await this.#sql(this.#savepoint ? 'rollback to savepoint s' : 'rollback');
      skips = !this.#savepoint && !ends;
    }
  }

  async close(): Promise<void> {
    this.#subscriber?.disconnect();
    this.#redis?.disconnect();
    if (this.#usesPg) await this.#pg.end().catch(() => undefined);
  }

  #send(request: Request): Promise<void> {
    if ('sql' in request) return this.#sql(request.sql, request.named);
    if ('redis' in request) return this.#ask(request.redis);
    if ('hears' in request) return this.#waits();
    if ('multi' in request) return this.#multi(request.multi);
    return this.#subscribe(request.subscribe);
  }

  async #sql(text: string, named = false): Promise<void> {
    try {
      // once prepared, only the name is sent
      const query = named ? { name: text.slice(0, 60), text } : text;
      const answer: unknown = await this.#pg.query(query);
      const results = (Array.isArray(answer) ? answer : [answer]).map(shownResult);
      this.#hear(results.map(({ said }) => said).join(' / '), results.at(-1)?.yes ?? false);
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || error.code === '57P01') throw new Gone();
      this.#hear(error.code ?? 'failed', false);
    }
  }

  async #ask(words: readonly string[]): Promise<void> {
    const [name = '', ...rest] = words;
    const answer = await this.#answered(this.#redis?.call(name, ...rest));
    const timed = /^p?ttl$/i.test(name) && typeof answer === 'number' && answer > 0;
    this.#hear(timed ? 'a time' : JSON.stringify(answer), isYes(answer));
  }

  async #multi(commands: readonly (readonly string[])[]): Promise<void> {
    const queued = this.#redis?.multi(
      commands.map(([name = '', ...rest]) => [name.toLowerCase(), ...rest]),
    );
    const answers = await this.#answered(queued?.exec());
    const done = Array.isArray(answers);
    const said = done ? answers.map(one => (Array.isArray(one) ? one[1] : one)) : answers;
    this.#hear(JSON.stringify(said), done);
  }

  async #subscribe(channel: string): Promise<void> {
    this.#subscriber = this.#open();
    this.#subscriber.on('message', (from, text) => this.#heard(`${from} ${text}`));
    await this.#answered(this.#subscriber.subscribe(channel));
  }

  #heard(text: string): void {
    this.#told.push(`hears ${text}`);
    this.#rings();
  }

  async #waits(): Promise<void> {
    const count = this.#told.length;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, patienceMs);
      this.#rings = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#hear('waited', this.#told.length > count);
  }

  /** An error reply of Redis is an answer; any other error means that the connection is lost. */
  async #answered(answer: Promise<unknown> | undefined): Promise<unknown> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof Error && error.name === 'ReplyError') return error.message.split(' ')[0];
      throw new Gone();
    }
  }

  #hear(said: string, yes: boolean): void {
    this.#told.push(said);
    this.#yes = yes;
  }
}

function gone(): never {
  throw new Gone();
}

/** The client's result for one statement. */
const answered = z.object({
  rows: z.array(z.record(z.string(), z.unknown())),
  rowCount: z.number().nullable(),
  command: z.string().nullable(),
});

function shownResult(result: unknown): { said: string; yes: boolean } {
  const { rows, rowCount, command } = answered.parse(result);
  const values = rows.map(row => Object.values(row));
  if (values.length === 0)
    return { said: `${command} ${rowCount ?? ''}`, yes: (rowCount ?? 0) > 0 };
  return { said: JSON.stringify(values), yes: isYes(values[0]?.[0]) };
}

function isYes(value: unknown): boolean {
  return value !== null && value !== false && value !== '0' && value !== 0 && value !== undefined;
}
