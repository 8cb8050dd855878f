import { Failure, type FailureCode, failures, isFailure } from '../contract/index.ts';
import type { OutageLog } from './log.ts';

/** No probe sees a disk that is full for some changes and not for others: what failed is remembered. */
const rememberedMs = 15_000;
const unseenByProbes: ReadonlySet<FailureCode> = new Set(['postgres-disk-full']);

/** What the stores of this process refuse: logs it, and remembers what only a command can find out. */
export class Refusals {
  readonly #report: OutageLog;
  readonly #now: () => number;
  #last: { readonly code: FailureCode; readonly atMs: number } | undefined;

  constructor(report: OutageLog, now: () => number = () => performance.now()) {
    this.#report = report;
    this.#now = now;
  }

  /** Takes any error of a command or a probe. */
  saw(error: unknown): void {
    if (!isFailure(error)) return;
    const { code, cause } = error;
    const { refusedBy, title } = failures[code];
    if (refusedBy === undefined) return;
    this.#report(refusedBy, cause ?? error, title);
    if (unseenByProbes.has(code)) this.#last = { code, atMs: this.#now() };
  }

  /** A change was committed: there is room again. */
  wrote(): void {
    this.#last = undefined;
  }

  /** Throws what was refused less than 15 s ago, unless something was committed since. */
  assertNone(): void {
    if (this.#last && this.#now() - this.#last.atMs < rememberedMs)
      throw new Failure(this.#last.code);
  }
}
