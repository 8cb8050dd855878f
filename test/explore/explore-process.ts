/** Runs `explore` as its own process in a group of its own, as a terminal does. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programArgs } from '../fixtures/program.ts';
import { root } from '../house/sources.ts';
import { family } from '../services/processes.ts';

/** Long enough on a machine that has much else to do. */
export const runMs = 120_000;
const lookMs = 20;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class ExploreProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Its folder for temporary files: all that it leaves lies there. */
  readonly folder = mkdtempSync(join(tmpdir(), 'explore-'));
  readonly #seen = new Set<number>();
  readonly #timer: NodeJS.Timeout;
  #text = { stdout: '', stderr: '' };

  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    mkdirSync(this.temporary, { mode: 0o755 });
    const { PATH = '', HOME = '' } = process.env;
    this.child = spawn(
      process.execPath,
      [...programArgs('bench/cli/lockstep'), 'explore', ...args],
      {
        cwd: root,
        env: { PATH, HOME, TMPDIR: this.temporary, ENDLESS_PIDS: this.pidsFile, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
        timeout: runMs,
      },
    );
    for (const name of ['stdout', 'stderr'] as const)
      this.child[name]?.on('data', (chunk: Buffer) => {
        this.#text = { ...this.#text, [name]: this.#text[name] + chunk.toString() };
      });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code, signal) => resolve({ code, signal, ...this.#text }));
    });
    this.#timer = setInterval(() => this.#look(), lookMs);
  }

  get temporary(): string {
    return join(this.folder, 'tmp');
  }

  get pidsFile(): string {
    return join(this.folder, 'pids');
  }

  get stderr(): string {
    return this.#text.stderr;
  }

  /** How often the actors were started. */
  get orders(): number {
    return this.#pidsText()
      .split('\n')
      .filter(line => line === 'order').length;
  }

  /** As a Ctrl-C of the terminal does. */
  interruptGroup(): void {
    process.kill(-(this.child.pid ?? 0), 'SIGINT');
  }

  /** What is still there of all that was ever seen below it, or that its programs told. */
  left(): { readonly processes: string[]; readonly folders: string[] } {
    this.#look();
    const own = this.#pidsText().match(/\d+/g)?.map(Number) ?? [];
    const processes = family(...this.#seen, ...own).map(({ pid, command }) => `${pid} ${command}`);
    const folders = readdirSync(this.temporary).filter(name => /^lockstep-(?!cache)/.test(name));
    return { processes, folders };
  }

  /** Ends what a failed test has left. */
  clean(): void {
    clearInterval(this.#timer);
    for (const line of this.left().processes) {
      try {
        process.kill(Number.parseInt(line, 10), 'SIGKILL');
      } catch {
        // it has ended meanwhile
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  #look(): void {
    // Once below it, always watched: a keeper has no parent when its owner has ended.
    for (const { pid } of family(this.child.pid ?? 0, ...this.#seen)) this.#seen.add(pid);
  }

  #pidsText(): string {
    try {
      return readFileSync(this.pidsFile, 'utf8');
    } catch {
      return ''; // nobody was started yet
    }
  }
}
