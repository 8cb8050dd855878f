/** Drives `stalled-process.ts`: one caller that is stopped and goes on as a whole process is. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Tuning } from '../../src/contract/index.ts';
import { until } from '../fixtures/gate.ts';
import type { Order, Told } from './stalled-process.ts';

const program = fileURLToPath(new URL('stalled-process.ts', import.meta.url));

export class StalledCaller {
  readonly #child: ChildProcess;
  readonly #told: Told[] = [];

  private constructor() {
    this.#child = fork(program, [], { execArgv: ['--import', 'tsx'] });
    this.#child.on('message', (told: Told) => this.#told.push(told));
  }

  static async start(): Promise<StalledCaller> {
    const caller = new StalledCaller();
    await caller.#until('ready');
    return caller;
  }

  async open(strategy: string, urls: readonly string[], tuning: Partial<Tuning>): Promise<void> {
    this.#told.length = 0;
    this.#order({ order: 'open', strategy, urls, tuning });
    await this.#until('opened');
  }

  /** Asks for the turn, and returns at once. */
  ask(key: string): void {
    this.#order({ order: 'turn', key });
  }

  /** Whether it has ever been inside. */
  get wasInside(): boolean {
    return this.#told.some(({ told }) => told === 'inside');
  }

  /** How its turn ended; undefined before. */
  get end(): Told | undefined {
    return this.#told.find(({ told }) => told === 'ended' || told === 'refused');
  }

  async inside(): Promise<void> {
    await until('it is inside', () => this.wasInside);
  }

  /** Ends the work of its turn, when it is in there. */
  finish(): void {
    this.#order({ order: 'end' });
  }

  async ended(): Promise<Told> {
    await until('its turn is over', () => this.end !== undefined);
    return this.end ?? { told: 'closed' };
  }

  /** Returns when the system has stopped it: a signal takes its time. */
  async stall(): Promise<void> {
    this.#child.kill('SIGSTOP');
    await until('it stands still', () => this.#state.startsWith('T'));
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }

  async close(): Promise<void> {
    this.wake();
    this.finish();
    this.#order({ order: 'close' });
    await this.#until('closed');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  get #state(): string {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(this.#child.pid)], { encoding: 'utf8' });
  }

  #order(order: Order): void {
    this.#child.send(order);
  }

  async #until(what: Told['told']): Promise<void> {
    await until(`it says ${what}`, () => this.#told.some(({ told }) => told === what));
  }
}
