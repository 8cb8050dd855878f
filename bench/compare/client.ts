/** Sends commands to the service processes, each by its own address, and reads what came of them. */
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { z } from 'zod';
import type { Call } from '../../src/contract/index.ts';
import { failures, isFailureCode } from '../../src/contract/index.ts';
import { type CallRecord, noAnswer } from './schema.ts';

/** One answer, with what the audit needs to know. */
export interface Answer extends Omit<CallRecord, 'met'> {
  /** Empty where no answer came. */
  readonly commandId: string;
  /** On the clock of `performance.now()`. */
  readonly sentMs: number;
  readonly answeredMs: number;
  /** When a process worked on it, as the process says; undefined where it does not say. */
  readonly worked: Worked | undefined;
  /** From its deciding read to the end of its COMMIT; undefined without a COMMIT. */
  readonly decided: Worked | undefined;
  /** Nobody listened: the command never left, though its outcome is told as unknown. */
  readonly notSent?: true;
}

/** Microseconds on the monotonic clock that all processes of a machine share. */
export interface Worked {
  readonly fromUs: number;
  readonly untilUs: number;
}

/** The service does not do what the run is about; nothing it answers can be judged. */
export class WrongService extends Error {
  override readonly name = 'WrongService';
}

export interface ClientOptions {
  /** Addresses of the single processes: keep-alive would pin a client to one of them for a whole run. */
  readonly processUrls: readonly string[];
  readonly strategy: string;
  readonly variant: string;
  /** When an answer is given up; longer than any command may take. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What one command has of its own. */
export interface SendOptions {
  readonly idempotencyKey?: string;
  /** Closes its connection. */
  readonly leave?: AbortSignal;
}

const bodyMax = 64 * 1024;
const socketsMax = 256;

const accepted = z.object({ commandId: z.string(), attempts: z.number().int() });
const problem = z.object({
  type: z.string(),
  title: z.string().optional(),
  detail: z.string().optional(),
  reason: z.string().optional(),
  commandId: z.string().optional(),
  attempts: z.number().int().optional(),
});

/** One keep-alive agent per process; owned by the run, closed by `close`. */
export class Client {
  readonly #agents: readonly Agent[];

  constructor(processes: number) {
    this.#agents = Array.from(
      { length: processes },
      () => new Agent({ keepAlive: true, maxSockets: socketsMax, noDelay: true }),
    );
  }

  /**
   * Sends one command to one process. An answer that does not come is `unknown`: the command may
   * have happened. Throws `WrongService` where another strategy answered or the load was refused.
   */
  async send(
    call: Call,
    process: number,
    options: ClientOptions,
    own: SendOptions = {},
  ): Promise<Answer> {
    const url = options.processUrls[process];
    const agent = this.#agents[process];
    if (url === undefined || !agent) throw new Error(`there is no service process ${process}`);
    const sentMs = performance.now();
    const reply = await exchange(new URL(call.path, url), agent, call.body, { ...options, ...own });
    options.signal.throwIfAborted();
    const answeredMs = performance.now();
    const read = outcomeOf(reply, call, options.strategy);
    const ms = answeredMs - sentMs;
    const worked = 'worked' in reply ? workedOf(reply.worked) : undefined;
    const decided = 'decided' in reply ? workedOf(reply.decided) : undefined;
    const sent = 'refused' in reply && reply.refused ? ({ notSent: true } as const) : {};
    return {
      actor: call.actor,
      process,
      ms,
      sentMs,
      answeredMs,
      worked,
      decided,
      ...read,
      ...sent,
    };
  }

  close(): void {
    for (const agent of this.#agents) agent.destroy();
  }
}

/** What is known of a command without an answer: nothing. */
export function noReply({ actor }: Call, process: number, sentMs: number): Answer {
  const answeredMs = performance.now();
  const read = { outcome: 'unknown', detail: noAnswer, attempts: 0, commandId: '' } as const;
  const spans = { worked: undefined, decided: undefined };
  return { actor, process, ms: answeredMs - sentMs, sentMs, answeredMs, ...spans, ...read };
}

type Reply =
  | {
      readonly status: number;
      readonly strategy: string | undefined;
      readonly worked: string | undefined;
      readonly decided: string | undefined;
      readonly body: string;
    }
  | { readonly status: 0; readonly error: string; readonly refused?: boolean };

function exchange(
  url: URL,
  agent: Agent,
  body: object,
  options: ClientOptions & SendOptions,
): Promise<Reply> {
  const text = JSON.stringify(body);
  const { idempotencyKey: key, leave, signal } = options;
  return new Promise(resolve => {
    const sent: ClientRequest = request(
      url,
      {
        method: 'POST',
        agent,
        signal: leave ? AbortSignal.any([signal, leave]) : signal,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          'lock-strategy': options.strategy,
          'scenario-variant': options.variant,
          ...(key && { 'idempotency-key': key }),
        },
      },
      response => readReply(response, settle),
    );
    const overdue = setTimeout(
      () => sent.destroy(new Error(`no answer within ${options.timeoutMs} ms`)),
      options.timeoutMs,
    );
    function settle(reply: Reply): void {
      clearTimeout(overdue);
      resolve(reply);
    }
    sent.on('error', error => {
      const refused = 'code' in error && error.code === 'ECONNREFUSED';
      settle({ status: 0, error: error.message, refused });
    });
    sent.end(text);
  });
}

function readReply(response: IncomingMessage, settle: (reply: Reply) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bodyMax) response.destroy(new Error(`the answer is longer than ${bodyMax} bytes`));
    else chunks.push(chunk);
  });
  response.on('error', error => settle({ status: 0, error: error.message }));
  response.on('end', () => {
    settle({
      status: response.statusCode ?? 0,
      strategy: headerOf(response, 'lock-strategy'),
      worked: headerOf(response, 'command-worked-us'),
      decided: headerOf(response, 'command-decided-us'),
      body: Buffer.concat(chunks).toString(),
    });
  });
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function workedOf(header: string | undefined): Worked | undefined {
  const [, fromUs, untilUs] = /^(\d{1,15})-(\d{1,15})$/.exec(header ?? '') ?? [];
  return untilUs === undefined ? undefined : { fromUs: Number(fromUs), untilUs: Number(untilUs) };
}

type Read = Pick<Answer, 'outcome' | 'detail' | 'attempts' | 'commandId'>;

function outcomeOf(reply: Reply, call: Call, strategy: string): Read {
  if ('error' in reply) return { outcome: 'unknown', detail: noAnswer, attempts: 0, commandId: '' };
  const json = parsed(reply.body);
  if (reply.status === 201) {
    checkStrategy(reply.strategy, strategy);
    const { commandId, attempts } = readAs(accepted, json, call);
    return { outcome: 'accepted', detail: '', attempts, commandId };
  }
  const told = readAs(problem, json, call);
  const code = told.type.slice(told.type.lastIndexOf('/') + 1);
  const rest = { attempts: told.attempts ?? 0, commandId: told.commandId ?? '' };
  if (code === 'refused') {
    checkStrategy(reply.strategy, strategy);
    return { outcome: 'refused', detail: told.reason ?? '', ...rest };
  }
  if (isFailureCode(code)) return { outcome: failures[code].outcome, detail: code, ...rest };
  throw new WrongService(
    `${call.path} was answered with ${reply.status} ${told.title ?? told.type}` +
      `${told.detail ? `: ${told.detail}` : ''}`,
  );
}

function checkStrategy(served: string | undefined, asked: string): void {
  if (served === asked) return;
  throw new WrongService(
    `the strategy '${asked}' was asked for and ${served ? `'${served}'` : 'an unnamed one'} served; ` +
      'the service must run with ALLOW_STRATEGY_HEADER=1',
  );
}

function readAs<T>(shape: z.ZodType<T>, json: unknown, call: Call): T {
  const read = shape.safeParse(json);
  if (read.success) return read.data;
  throw new WrongService(`the answer to ${call.path} is not readable: ${read.error.message}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
