import { type ChildProcess, spawn } from 'node:child_process';
import type { ActorEnd, ActorUrls, RunningActor } from './actor.ts';
import { realNow } from './arena.ts';

/** A program of any language, run once per execution with its own URLs in the environment. */
export interface CommandActor {
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Silence, in real time, after which a program counts as asleep: it waits for time to pass. */
const asleepAfterMs = 400;
/** It may take this long to start, or to go on after it was left asleep. */
const startMs = 15_000;
const outputCharactersMax = 4_000;

/** What the environment of a program holds: the usual names, all leading to its gates. */
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

/** Time is real for it: only silence tells whether it sleeps. */
export class ChildActor implements RunningActor {
  readonly name: string;
  readonly graceMs = 5;
  end: ActorEnd | undefined;
  readonly #child: ChildProcess;
  readonly #movedAtMs: () => number;
  #wokenAtMs = realNow();
  #output = '';

  constructor(
    name: string,
    actor: CommandActor,
    urls: ActorUrls,
    movedAtMs: () => number,
    ended: () => void,
  ) {
    this.name = name;
    this.#movedAtMs = movedAtMs;
    const [program, ...values] = actor.command;
    this.#child = spawn(program, values, {
      ...(actor.cwd === undefined ? {} : { cwd: actor.cwd }),
      env: { ...process.env, ...actor.env, ...environmentOf(urls) },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that a crash takes what it started, too.
      detached: true,
    });
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-outputCharactersMax);
    };
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    const finish = (end: ActorEnd): void => {
      this.end ??= end;
      ended();
    };
    this.#child.on('error', error => finish({ kind: 'threw', message: error.message }));
    this.#child.on('close', code => finish(this.#exit(code)));
  }

  get patienceMs(): number {
    return this.#movedAtMs() > this.#wokenAtMs ? asleepAfterMs : startMs;
  }

  get asleep(): boolean {
    if (this.end !== undefined) return false;
    const sinceMs = Math.max(this.#movedAtMs(), this.#wokenAtMs);
    return realNow() - sinceMs > this.patienceMs;
  }

  wake(): void {
    this.#wokenAtMs = realNow();
  }

  /** Time is real for a program: the lease is gone, and it does not know. */
  pause(): void {
    this.#wokenAtMs = realNow();
  }

  kill(): void {
    this.end ??= { kind: 'crashed' };
    if (this.#child.exitCode !== null || this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // It has ended in the meantime.
    }
  }

  #exit(code: number | null): ActorEnd {
    if (code === 0) return { kind: 'returned', value: undefined };
    const [last = ''] = this.#output.trim().split('\n').slice(-1);
    return { kind: 'threw', message: `exit ${code ?? 'by a signal'}: ${last}`.trim() };
  }
}
