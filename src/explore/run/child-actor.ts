import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../time/reach.ts';
import type { ActorEnd, ActorUrls, RunningActor } from './actor.ts';
import { realNow } from './arena.ts';
import { type CommandActor, OwnedProcess } from './owned-process.ts';
import { isAtWork } from './process-state.ts';

export type { CommandActor } from './owned-process.ts';

/** Silence, in real time, after which a program counts as asleep: it waits for time to pass. */
const asleepAfterMs = 400;
/** The same for a program that is at work: on a busy machine it is just as silent. */
const atWorkMs = 4_000;
/** It may take this long to start, or to go on after it was left asleep. */
const startMs = 15_000;
/** How often a program's connections are looked at, in its first orders and later. */
const closelyMs = 50;
export const seldomMs = 250;

/** The environment of a program: the usual names, all leading to its gates. */
export function environmentOf(urls: ActorUrls): Record<string, string> {
  const pg = new URL(urls.pgUrl);
  const env: Record<string, string> = {
    DATABASE_URL: urls.pgUrl,
    PGHOST: pg.hostname,
    PGPORT: pg.port,
    PGUSER: decodeURIComponent(pg.username),
    PGDATABASE: pg.pathname.slice(1),
    PGSSLMODE: 'disable',
    PGGSSENCMODE: 'disable',
  };
  if (pg.password !== '') env.PGPASSWORD = decodeURIComponent(pg.password);
  if (urls.redisUrl !== '') env.REDIS_URL = urls.redisUrl;
  for (const [at, url] of urls.httpUrls.entries()) env[`HTTP_URL_${at + 1}`] = url;
  return env;
}

/** A process. Time is real for it: only silence tells whether it sleeps. */
export abstract class RealTimeActor implements RunningActor {
  readonly name: string;
  readonly graceMs = 5;
  /** Nobody can look into a process; its gates report a connection as soon as it is open. */
  readonly connecting = false;
  /** Its silence is judged by what the kernel says of it. */
  readonly working = false;
  /** Time is real for it: silence tells enough. */
  readonly awaitsElsewhere = false;
  /** Its timers are its own. */
  readonly timerMs = undefined;
  /** Waits of a program are counted from its start; nothing else passes. */
  nowMs = 0;
  end: ActorEnd | undefined;
  protected readonly tie: ProcessTie;
  #wokenAtMs = realNow();

  constructor(name: string, tie: ProcessTie) {
    this.name = name;
    this.tie = tie;
  }

  protected abstract readonly process: OwnedProcess;

  get reached(): readonly Target[] {
    return this.process.reached;
  }

  look(): void {
    if (this.tie.closely) this.process.look();
  }

  get patienceMs(): number {
    const ms = this.tie.movedAtMs() > this.#wokenAtMs ? asleepAfterMs : startMs;
    const { pid } = this.process;
    const silent = this.#silentMs() > ms;
    return silent && pid !== undefined && isAtWork(pid) ? Math.max(ms, atWorkMs) : ms;
  }

  /** Its timers are its own, and end with it. */
  readonly leavesTimers = false;

  get asleep(): boolean {
    return this.end === undefined && this.#silentMs() > this.patienceMs;
  }

  #silentMs(): number {
    return realNow() - Math.max(this.tie.movedAtMs(), this.#wokenAtMs);
  }

  wake(): void {
    this.#wokenAtMs = realNow();
  }

  passTo(ms: number): void {
    this.nowMs = Math.max(this.nowMs, ms);
    this.wake();
  }

  /** Time is real for a program: its lease is gone, and it does not know. */
  pause(): void {
    this.#wokenAtMs = realNow();
  }

  abstract kill(): void;

  protected finish(end: ActorEnd): void {
    this.end ??= end;
    this.tie.ended();
  }
}

/** A process of its own for one execution. */
abstract class ProcessActor extends RealTimeActor {
  protected override readonly process: OwnedProcess;

  constructor(name: string, program: CommandActor, env: NodeJS.ProcessEnv, tie: ProcessTie) {
    super(name, tie);
    this.process = new OwnedProcess(program, env, tie.closely ? closelyMs : seldomMs, {
      failed: message => this.finish({ kind: 'threw', message }),
      ended: (code, words) => this.exited(code, words),
    });
  }

  /** Takes the whole process group at once. */
  kill(): void {
    this.end ??= { kind: 'crashed' };
    this.process.kill();
  }

  protected abstract exited(code: number | null, words: string): void;
}

/** How a process actor hears of its gates, and tells that it ended. */
export interface ProcessTie {
  readonly movedAtMs: () => number;
  readonly ended: () => void;
  /** Its connections are looked at often, and at every point. */
  readonly closely: boolean;
}

/** Ends when its program ends: exit code 0 is a return, everything else an error. */
export class ChildActor extends ProcessActor {
  constructor(name: string, program: CommandActor, urls: ActorUrls, tie: ProcessTie) {
    super(name, program, environmentOf(urls), tie);
  }

  protected override exited(code: number | null, words: string): void {
    if (code === 0) this.finish({ kind: 'returned', value: undefined });
    else this.finish({ kind: 'threw', message: `exit ${code ?? 'by a signal'}: ${words}`.trim() });
  }
}

/** A request to a service of its own, started for each execution with its own URLs and `PORT`. */
export interface RequestActor {
  readonly service: CommandActor;
  readonly request: {
    readonly method?: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  /** The request is sent again after an answer of 5xx, so often in all. Default: once. */
  readonly tries?: number;
  /**
   * Its process stays from one execution to the next, with its connections open, after the same request
   * has warmed it up: many times faster, for services that keep nothing in memory that matters.
   */
  readonly warm?: boolean;
}

/** Ends with the answer to its request: status and body are what it was told. */
export class ServiceActor extends ProcessActor {
  #listened = false;

  constructor(name: string, actor: RequestActor, urls: ActorUrls, port: number, tie: ProcessTie) {
    super(name, actor.service, { ...environmentOf(urls), PORT: String(port) }, tie);
    this.#call(actor, port).then(
      value => this.finish({ kind: 'returned', value }),
      (error: unknown) => this.finish({ kind: 'threw', message: String(error) }),
    );
  }

  protected override exited(code: number | null, words: string): void {
    const before = this.#listened ? 'answered' : 'listened';
    const how = `${code ?? 'by a signal'}`;
    this.finish({
      kind: 'threw',
      message: `the service ended before it ${before} (${how}): ${words}`,
    });
  }

  async #call(actor: RequestActor, port: number): Promise<unknown> {
    await listening(port, () => this.end !== undefined);
    this.#listened = true;
    return told(port, actor);
  }
}

/** Sends the request of a caller; resolves to what it was told. */
export async function told(port: number, { request, tries = 1 }: RequestActor): Promise<unknown> {
  for (let left = tries; ; left--) {
    const answer = await sent(port, request);
    if (answer.status < 500 || left <= 1) return answer;
  }
}

async function sent(
  port: number,
  wanted: RequestActor['request'],
): Promise<{ readonly status: number; readonly body: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${wanted.path}`, {
    method: wanted.method ?? 'POST',
    headers: { connection: 'close', ...wanted.headers },
    redirect: 'manual', // to follow it is another request, which others could come between
    ...(wanted.body === undefined ? {} : { body: wanted.body }),
  });
  const body = await response.text();
  return { status: response.status, body: body || (response.headers.get('location') ?? '') };
}

/** Resolves when somebody listens there; throws at the limit, or when nobody will. */
export async function listening(port: number, hopeless: () => boolean): Promise<void> {
  const untilMs = realNow() + startMs;
  while (realNow() < untilMs && !hopeless()) {
    const open = await new Promise<boolean>(resolve => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.on('connect', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (open) return;
    await sleep(20);
  }
  throw new Error(`nobody listens on PORT=${port} within ${startMs} ms`);
}
