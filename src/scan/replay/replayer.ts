import { request as httpRequest, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  bodyOf,
  bytesOf,
  type Program,
  type RecordedRequest,
  type RecordedStatement,
} from '../record/recording.ts';
import { Tape } from '../record/tape.ts';
import { openTaps, type Taps } from '../record/taps.ts';
import { Service } from '../service.ts';
import type { Answer } from './compare.ts';
import { openTransactions } from './open-transactions.ts';

const answerMs = 30_000;
/** A service counts as quiet when it has sent nothing for so long, and nothing is open. */
const quietMs = 25;
const quietWithinMs = 3_000;
/** Behind the last answer: what begins later than that is not seen. */
const lateMs = 1_000;

/** What a request came to that was sent again. */
export interface Replayed {
  readonly answer: Answer;
  readonly statements: readonly RecordedStatement[];
  /** SQL that its connections may have been set up with: sent before, or asked for at their start. */
  readonly session: readonly string[];
  /**
   * It did not come to rest: something was still under way 3 s after its answer; behind the last of
   * several, something began within a second, or a transaction was left open.
   */
  readonly restless: boolean;
}

export interface ReplayServers {
  /** A database of ours. */
  readonly pgUrl: string;
  readonly redisUrls: readonly string[];
}

export interface ReplayOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A service on a database of ours that gets recorded requests one after the other. */
export class Replayer {
  readonly #tape: Tape;
  readonly #taps: Taps;
  readonly #service: Service;
  /** Past the taps. */
  readonly #pgUrl: string;

  private constructor(tape: Tape, taps: Taps, service: Service, pgUrl: string) {
    this.#tape = tape;
    this.#taps = taps;
    this.#service = service;
    this.#pgUrl = pgUrl;
  }

  /** Rejects with ServiceFailed where it does not start. */
  static async open(
    program: Program,
    servers: ReplayServers,
    options: ReplayOptions = {},
  ): Promise<Replayer> {
    const tape = new Tape();
    const taps = await openTaps(servers.pgUrl, servers.redisUrls, tape);
    try {
      const service = await Service.start(program, { urls: taps.urls, ...options });
      const replayer = new Replayer(tape, taps, service, servers.pgUrl);
      await replayer.#quiet(0);
      return replayer;
    } catch (error) {
      await taps.close();
      throw error;
    }
  }

  /** Sends one request and waits until the service has come to rest behind its answer. */
  async send(request: RecordedRequest): Promise<Replayed> {
    const before = this.#tape.statements.length;
    const answer = await answered(this.#service.port, request);
    const rested = await this.#quiet(before);
    const { statements, session } = this.#tape;
    const earlier = statements.slice(0, before).filter(({ store }) => store === 'postgres');
    return {
      answer,
      statements: statements.slice(before),
      session: [...session, ...earlier.map(({ text }) => text)],
      restless: !rested,
    };
  }

  /** Whether work goes on behind the last answer: a second passes, and a transaction may be open. */
  async goesOn(): Promise<boolean> {
    const before = this.#tape.statements.length;
    await sleep(lateMs);
    return this.#tape.statements.length > before || (await openTransactions(this.#pgUrl)) > 0;
  }

  /** Ends the service; nobody is connected to its database then. */
  async close(): Promise<void> {
    await this.#service.stop();
    await this.#taps.close();
  }

  async #quiet(since: number): Promise<boolean> {
    const untilMs = performance.now() + quietWithinMs;
    let seen = -1;
    while (performance.now() < untilMs) {
      const { statements } = this.#tape;
      const open = statements.slice(since).some(({ result }) => result === '');
      if (!open && statements.length === seen) return true;
      seen = statements.length;
      await sleep(quietMs);
    }
    return false;
  }
}

const leftOut = new Set(['connection', 'content-length', 'transfer-encoding', 'keep-alive']);

/** Sends a recorded request as it was; null where it is not answered within 30 s. */
export async function answered(port: number, recorded: RecordedRequest): Promise<Answer> {
  const { method, path } = recorded;
  const body = bytesOf(recorded.body);
  const headers = callHeaders(recorded);
  return new Promise(resolve => {
    const call = httpRequest(
      { host: '127.0.0.1', port, method, path, headers, agent: false, timeout: answerMs },
      response => void toldBy(response).then(resolve, () => resolve(null)),
    );
    call.on('error', () => resolve(null));
    call.on('timeout', () => call.destroy());
    call.end(body);
  });
}

/** The headers to send it with. */
export function callHeaders({ headers, body }: RecordedRequest): Record<string, string> {
  const kept = headers.filter(([name]) => !leftOut.has(name.toLowerCase()));
  return {
    ...Object.fromEntries(kept.map(([name, value]) => [name.toLowerCase(), value])),
    'accept-encoding': 'identity',
    ...(body.text === '' ? {} : { 'content-length': String(bytesOf(body).length) }),
  };
}

async function toldBy(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const headers: [string, string][] = [];
  const { rawHeaders, statusCode: status = 0 } = response;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    headers.push([rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '']);
  return { status, headers, body: bodyOf(Buffer.concat(chunks)) };
}
