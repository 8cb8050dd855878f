import { type ChildProcess, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Disown, keeper } from '../keeper/keeper.ts';
import { killGroup } from '../keeper/marked.ts';
import { markVariable } from '../keeper/owned.ts';
import type { Target } from '../time/reach.ts';
import type { ActorEnd, ActorUrls, RunningActor } from './actor.ts';
import { realNow } from './arena.ts';
import { lastWords } from './last-words.ts';
import { ProcessSockets } from './process-sockets.ts';
import { isAtWork } from './process-state.ts';

/** A program of any language, run once per execution with its own URLs in the environment. */
export interface CommandActor {
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Silence, in real time, after which a program counts as asleep: it waits for time to pass. */
const asleepAfterMs = 400;
/** The same for a program that is at work: on a busy machine it is just as silent. */
const atWorkMs = 4_000;
/** It may take this long to start, or to go on after it was left asleep. */
const startMs = 15_000;
const outputCharactersMax = 4_000;
/** How often a program's connections are looked at, in its first orders and later. */
const closelyMs = 50;
const seldomMs = 250;

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

/** A process of its own. Time is real for it: only silence tells whether it sleeps. */
abstract class ProcessActor implements RunningActor {
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
  readonly #child: ChildProcess;
  readonly #movedAtMs: () => number;
  readonly #ended: () => void;
  /** Its group is ours, and the keeper's, until it has been ended. */
  #disown: Disown | undefined;
  #wokenAtMs = realNow();
  #output = '';
  readonly #sockets = new ProcessSockets();
  readonly #closely: boolean;
  readonly #looking: NodeJS.Timeout;

  constructor(name: string, program: CommandActor, env: NodeJS.ProcessEnv, tie: ProcessTie) {
    this.name = name;
    this.#movedAtMs = tie.movedAtMs;
    this.#ended = tie.ended;
    const [file, ...values] = program.command;
    this.#child = spawn(file, values, {
      ...(program.cwd === undefined ? {} : { cwd: program.cwd }),
      env: { ...process.env, ...program.env, ...env, [markVariable]: keeper().mark },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a crash takes what it started, too.
      detached: true,
    });
    const { pid } = this.#child;
    if (pid !== undefined) this.#disown = keeper().own({ kind: 'group', id: pid });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-outputCharactersMax);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.on('error', error => this.finish({ kind: 'threw', message: error.message }));
    this.#closely = tie.closely;
    this.#looking = setInterval(() => this.#look(), tie.closely ? closelyMs : seldomMs).unref();
    this.#child.on('close', code => {
      clearInterval(this.#looking);
      this.exited(code, lastWords(this.#output));
    });
  }

  get reached(): readonly Target[] {
    return this.#sockets.reached;
  }

  look(): void {
    if (this.#closely) this.#look();
  }

  /** Where its connections lead now: one that lives for less than the pause between is not seen. */
  #look(): void {
    if (this.#child.pid === undefined || this.#child.exitCode !== null) return;
    this.#sockets.look(this.#child.pid);
  }

  get patienceMs(): number {
    const ms = this.#movedAtMs() > this.#wokenAtMs ? asleepAfterMs : startMs;
    const { pid } = this.#child;
    const silent = this.#silentMs() > ms;
    return silent && pid !== undefined && isAtWork(pid) ? Math.max(ms, atWorkMs) : ms;
  }

  /** Its timers are its own, and end with it. */
  readonly leavesTimers = false;

  get asleep(): boolean {
    return this.end === undefined && this.#silentMs() > this.patienceMs;
  }

  #silentMs(): number {
    return realNow() - Math.max(this.#movedAtMs(), this.#wokenAtMs);
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

  /** Takes the whole process group at once. */
  kill(): void {
    this.#look();
    clearInterval(this.#looking);
    this.end ??= { kind: 'crashed' };
    const { pid } = this.#child;
    if (pid === undefined || this.#disown === undefined) return;
    // It may have ended and left children behind that act later: until the end of the order.
    killGroup(pid);
    this.#disown();
    this.#disown = undefined; // the pid may be reused from now on
  }

  protected finish(end: ActorEnd): void {
    this.end ??= end;
    this.#ended();
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
}

/** Ends with the answer to its request: status and body are what it was told. */
export class ServiceActor extends ProcessActor {
  #listened = false;

  constructor(name: string, actor: RequestActor, urls: ActorUrls, port: number, tie: ProcessTie) {
    super(name, actor.service, { ...environmentOf(urls), PORT: String(port) }, tie);
    this.#called(actor, port).then(
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

  async #called({ request, tries = 1 }: RequestActor, port: number): Promise<unknown> {
    await listening(port, () => this.end !== undefined);
    this.#listened = true;
    for (let left = tries; ; left--) {
      const told = await this.#call(request, port);
      if (told.status < 500 || left <= 1) return told;
    }
  }

  async #call(
    wanted: RequestActor['request'],
    port: number,
  ): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`http://127.0.0.1:${port}${wanted.path}`, {
      method: wanted.method ?? 'POST',
      headers: { connection: 'close', ...wanted.headers },
      ...(wanted.body === undefined ? {} : { body: wanted.body }),
    });
    return { status: response.status, body: await response.text() };
  }
}

/** Resolves when somebody listens there; throws at the limit, or when nobody will. */
async function listening(port: number, hopeless: () => boolean): Promise<void> {
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
