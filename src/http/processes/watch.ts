import { readFileSync } from 'node:fs';
import { request } from 'node:http';

/** A worker process that listens. */
export interface Watched {
  readonly index: number;
  readonly pid: number;
  /** Where only this process answers. */
  readonly url: string;
  /** What it told last; undefined before it has told anything. */
  readonly said: Said | undefined;
  /** Asks it to tell. */
  ask(): void;
}

export interface Said {
  /** Connections that it has taken from the shared port so far. */
  readonly taken: number;
}

export interface WatchOptions {
  /** The processes that listen now. */
  readonly watched: () => readonly Watched[];
  /** How many there should be. */
  readonly processes: number;
  readonly sharedUrl: string;
  /** For so long a process may take no connection. */
  readonly stuckMs: number;
  readonly kill: (one: Watched, stuckForMs: number) => void;
  /** A process is stuck because a signal stopped it: whoever sent that will know. */
  readonly leave: (one: Watched) => void;
}

const everyMaxMs = 2_000;
const answerMaxMs = 1_000;
const pauseMaxMs = 300_000;

/**
 * Looks whether the processes answer the primary, and take connections on their own port and from the
 * shared one. One that does not for `stuckMs` is killed: its share of the shared port would be dead. One
 * that is only slow is not. One at a time, and with a pause that doubles while it goes on: where more is
 * wrong than a process, killing does not mend it.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #everyMs: number;
  readonly #stuckSinceMs = new Map<number, number>();
  readonly #saidBefore = new Map<number, Said | undefined>();
  readonly #left = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #dueMs = 0;
  /** Whether the last look came as far as the shared port. */
  #reached = false;
  #pauseMs: number;
  #killedMs = Number.NEGATIVE_INFINITY;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#everyMs = Math.min(everyMaxMs, options.stuckMs / 4);
    this.#pauseMs = options.stuckMs;
  }

  start(): void {
    if (this.#stopped) return;
    this.#dueMs = performance.now() + this.#everyMs;
    this.#timer = setTimeout(() => {
      void this.#round().then(() => this.start());
    }, this.#everyMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #round(): Promise<void> {
    // this process was away itself, or the machine was: what it saw before says nothing
    if (performance.now() - this.#dueMs > this.#everyMs) this.#stuckSinceMs.clear();
    const watched = this.#options.watched();
    const signs = watched.map(one => this.#signOf(one));
    const [own, shared] = await Promise.all([
      Promise.all(watched.map(({ url }) => answers(url))),
      Promise.all(watched.map(() => answers(this.#options.sharedUrl))),
    ]);
    for (const one of watched) one.ask();
    if (this.#stopped) return;
    for (const [index, one] of watched.entries()) {
      const sign = signs[index];
      const takes = sign === 'takes' || (sign === 'lives' && !this.#reached);
      this.#note(one, takes && own[index] !== 'closed');
    }
    this.#reached = !shared.includes('cannot tell');
    this.#judge(watched);
  }

  /**
   * What it has shown since the last look, in which the shared port was asked as often as there are
   * processes: node:cluster goes round among those that are free.
   */
  #signOf({ pid, said }: Watched): 'none' | 'lives' | 'takes' {
    const isNew = !this.#saidBefore.has(pid);
    const before = this.#saidBefore.get(pid);
    this.#saidBefore.set(pid, said);
    if (isNew) return 'takes'; // it has not been asked yet
    if (said === before) return 'none';
    return said?.taken === before?.taken ? 'lives' : 'takes';
  }

  #note({ pid }: Watched, isWell: boolean): void {
    if (isWell) this.#stuckSinceMs.delete(pid);
    else if (!this.#stuckSinceMs.has(pid)) this.#stuckSinceMs.set(pid, performance.now());
  }

  #judge(watched: readonly Watched[]): void {
    const nowMs = performance.now();
    for (const known of [this.#stuckSinceMs, this.#saidBefore])
      for (const pid of known.keys()) if (!watched.some(one => one.pid === pid)) known.delete(pid);
    if (nowMs - this.#killedMs > 10 * this.#pauseMs) this.#pauseMs = this.#options.stuckMs;
    for (const one of watched) {
      const stuckForMs = nowMs - (this.#stuckSinceMs.get(one.pid) ?? nowMs);
      if (stuckForMs < this.#options.stuckMs) this.#left.delete(one.pid);
      else if (isStoppedBySignal(one.pid)) this.#leave(one);
      else if (
        watched.length === this.#options.processes &&
        nowMs - this.#killedMs >= this.#pauseMs
      ) {
        this.#killedMs = nowMs;
        this.#pauseMs = Math.min(pauseMaxMs, 2 * this.#pauseMs);
        this.#stuckSinceMs.delete(one.pid);
        this.#options.kill(one, Math.round(stuckForMs));
        return;
      }
    }
  }

  #leave(one: Watched): void {
    if (this.#left.has(one.pid)) return;
    this.#left.add(one.pid);
    this.#options.leave(one);
  }
}

/**
 * Any answer will do, and one that is late may only be slow. `closed`: nobody takes connections there;
 * `cannot tell`: none was made.
 */
function answers(url: string): Promise<'answered' | 'late' | 'closed' | 'cannot tell'> {
  return new Promise(resolve => {
    let connected = false;
    const sent = request(`${url}/livez`, { agent: false });
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      sent.destroy(new Error('no answer in time'));
    }, answerMaxMs);
    sent.on('socket', socket => {
      socket.on('connect', () => {
        connected = true;
      });
    });
    sent.on('response', response => {
      response.resume();
      resolve('answered');
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const closed = error.code === 'ECONNREFUSED' || connected;
      resolve(isLate && connected ? 'late' : closed ? 'closed' : 'cannot tell');
    });
    sent.on('close', () => clearTimeout(late));
    sent.end();
  });
}

/** SIGSTOP or a debugger; false where there is no /proc. */
function isStoppedBySignal(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // the name in parentheses may hold anything
    return /^[Tt]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
