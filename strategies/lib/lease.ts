import {
  type LockRelease,
  type LockState,
  type ReleaseEnd,
  watchful,
} from '../../src/contract/index.ts';

/**
 * Where leases are kept: one Redis, or a majority of several. A grant covers all keys of a turn.
 * Every call makes one try and is bounded by the client's own command timeout; it rejects with
 * `Failure('redis-unavailable')` where nobody knows what was done, and the store then clears away
 * in the background what it may have left behind.
 */
export interface LeaseStore<G> {
  /** Prolongs to a full lease from now; undefined: it is gone. Never takes it anew. */
  extend(grant: G, leaseMs: number): Promise<G | undefined>;
  /** False: it was gone, or is somebody else's. */
  give(grant: G): Promise<boolean>;
  /** Ends what runs in the background. */
  close(): Promise<void>;
  /** Where a fencing token is minted with every grant. */
  readonly fence?: Fence<G>;
  /** As `Guardian.inspect` and `Guardian.release`, with the resource key. */
  view?(resource: string, leaseMs: number): Promise<readonly LockState[]>;
  release?(resource: string, holder: string): Promise<LockRelease>;
}

/** A counter whose numbers rise with every grant, as long as it is not lost. */
export interface Fence<G> {
  tokenOf(grant: G): bigint;
  /**
   * Told of the stored mark that refused a token: later tokens have to be higher. Never rejects: where
   * it does not succeed, the next token is refused as well, and it is tried again.
   */
  raise(mark: bigint): Promise<void>;
}

/** Why a lease was lost: the reason of the `lost` signal. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  /** `expired`: its time passed without an extension. `gone`: Redis has it no more. `closed`: the process stops. */
  readonly why: 'expired' | 'gone' | 'closed';

  constructor(why: LeaseLost['why']) {
    super(messages[why]);
    this.why = why;
  }
}

const messages: Readonly<Record<LeaseLost['why'], string>> = {
  expired: 'the time of the lease passed without an extension',
  gone: 'the lease is gone or belongs to somebody else',
  closed: 'the lease was given back because the process stops',
};

export interface LeaseTerms<G> {
  readonly store: LeaseStore<G>;
  readonly leaseMs: number;
  /** Whether a watchdog extends it at a third of its time. */
  readonly extend: boolean;
  readonly now: () => number;
}

/** How much shorter a lease is counted here than at the server: clocks drift, and Redis rounds to 1 ms. */
export function driftMs(leaseMs: number): number {
  return leaseMs * 0.01 + 2;
}

/** A lease that is held, until `release`. */
export class Lease<G> {
  readonly #terms: LeaseTerms<G>;
  #loss: { readonly controller: AbortController; readonly signal: AbortSignal } | undefined;
  #lostBy: LeaseLost | undefined;
  #grant: G;
  #untilMs: number;
  #extendAtMs: number;
  #extending = false;
  #released = false;
  #timer: NodeJS.Timeout | undefined;

  /** `sentMs` is when the command that took it had not been sent yet: the server's clock starts later. */
  constructor(terms: LeaseTerms<G>, grant: G, sentMs: number) {
    this.#terms = terms;
    this.#grant = grant;
    this.#untilMs = sentMs + terms.leaseMs - driftMs(terms.leaseMs);
    this.#extendAtMs = sentMs + terms.leaseMs / 3;
  }

  /** Whether it is lost by the clock, by a failed extension or by a release that found it gone. */
  isLost(): boolean {
    this.#look();
    return this.#isLost;
  }

  /** Aborted with a `LeaseLost`. Made when somebody asks for it, for it costs a fourth of a lease. */
  get lost(): AbortSignal {
    if (!this.#loss) {
      const controller = new AbortController();
      const signal = watchful(controller.signal, () => this.#look());
      this.#loss = { controller, signal };
      if (this.#lostBy) controller.abort(this.#lostBy);
    }
    return this.#loss.signal;
  }

  get grant(): G {
    return this.#grant;
  }

  /** How long it is certainly ours, if nobody takes it away. */
  get remainingMs(): number {
    return this.#untilMs - this.#terms.now();
  }

  /** Starts the watchdog and the clock that tells a loss. */
  watch(): void {
    this.#arm();
  }

  /** Gives it back in one round trip. Never throws; a second call sends nothing. */
  async release(): Promise<ReleaseEnd> {
    if (this.#released) return this.#isLost ? 'lost' : 'already gone';
    this.#look();
    this.#released = true;
    clearTimeout(this.#timer);
    const lostBefore = this.#isLost;
    try {
      const given = await this.#terms.store.give(this.#grant);
      if (!given) this.#lose('gone');
      return given && !lostBefore ? 'released' : 'lost';
    } catch {
      return lostBefore ? 'lost' : 'unknown';
    }
  }

  /** Gives it back under work that still runs: that is told before the key is free. */
  async abandon(): Promise<void> {
    this.#lose('closed');
    await this.release();
  }

  get #isLost(): boolean {
    return this.#lostBy !== undefined;
  }

  #lose(why: LeaseLost['why']): void {
    if (this.#lostBy) return;
    this.#lostBy = new LeaseLost(why); // before the listeners run: they may ask
    this.#loss?.controller.abort(this.#lostBy);
  }

  /** After a stall the work may be resumed before the timer: whoever asks looks at the clock. */
  #look(): void {
    if (!this.#isLost && !this.#released && this.remainingMs <= 0) this.#lose('expired');
  }

  #arm(): void {
    const { now, extend } = this.#terms;
    const atMs = extend && !this.#extending ? this.#extendAtMs : this.#untilMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#tick(),
      Math.max(1, Math.min(atMs, this.#untilMs) - now()),
    );
  }

  #tick(): void {
    this.#look();
    if (this.#released || this.#isLost) return;
    const due = this.#terms.extend && !this.#extending && this.#terms.now() >= this.#extendAtMs;
    if (due) void this.#extend();
    this.#arm();
  }

  async #extend(): Promise<void> {
    const { store, leaseMs, now } = this.#terms;
    this.#extending = true;
    const sentMs = now();
    try {
      const grant = await store.extend(this.#grant, leaseMs);
      this.#look(); // an answer that comes too late does not bring a lost lease back
      if (grant === undefined) this.#lose('gone');
      else this.#grant = grant;
      if (this.#isLost) return;
      this.#untilMs = sentMs + leaseMs - driftMs(leaseMs);
      this.#extendAtMs = sentMs + leaseMs / 3;
    } catch {
      this.#extendAtMs = now() + leaseMs / 20; // again soon: some time is left
    } finally {
      this.#extending = false;
      if (!this.#released && !this.#isLost) this.#arm();
    }
  }
}
