import { type ChildProcess, spawn } from 'node:child_process';
import { type Disown, keeper } from '../keeper/keeper.ts';
import { killGroup } from '../keeper/marked.ts';
import { markVariable } from '../keeper/owned.ts';
import type { Target } from '../time/reach.ts';
import { lastWords } from './last-words.ts';
import { ProcessSockets } from './process-sockets.ts';

const outputCharactersMax = 4_000;

/** A program of any language, run once per execution with its own URLs in the environment. */
export interface CommandActor {
  readonly command: readonly [string, ...string[]];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Who hears of the end of a process. */
export interface ProcessEnd {
  /** It could not be started, or not be spoken to. */
  failed(message: string): void;
  /** `code` is null after a signal; `words` are its last ones. */
  ended(code: number | null, words: string): void;
}

/** A program with all that it starts: a process group, which the keeper ends if nobody else does. */
export class OwnedProcess {
  readonly #child: ChildProcess;
  /** The group is ours, and the keeper's, until it has been ended. */
  #disown: Disown | undefined;
  #output = '';
  readonly #sockets = new ProcessSockets();
  readonly #looking: NodeJS.Timeout;

  /** Looks at its connections every so many milliseconds. */
  constructor(program: CommandActor, env: NodeJS.ProcessEnv, lookMs: number, end: ProcessEnd) {
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
    this.#child.on('error', error => end.failed(error.message));
    this.#looking = setInterval(() => this.look(), lookMs).unref();
    this.#child.on('close', code => {
      clearInterval(this.#looking);
      end.ended(code, lastWords(this.#output));
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get reached(): readonly Target[] {
    return this.#sockets.reached;
  }

  /** Where its connections lead now: one that lives for less than the pause between is not seen. */
  look(): void {
    if (this.#child.pid === undefined || this.#child.exitCode !== null) return;
    this.#sockets.look(this.#child.pid);
  }

  /** Takes the whole process group at once. */
  kill(): void {
    this.look();
    clearInterval(this.#looking);
    const { pid } = this.#child;
    if (pid === undefined || this.#disown === undefined) return;
    // It may have ended and left children behind that act later: until the end of the order.
    killGroup(pid);
    this.#disown();
    this.#disown = undefined; // the pid may be reused from now on
  }
}
