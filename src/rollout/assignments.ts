import { groupsOf } from './key-groups.ts';
import type { Believed } from './proof.ts';

const readAll = `
  select scenario, variant, key_group, epoch, strategy,
    extract(epoch from closing_until - clock_timestamp()) * 1000 as closing_ms
  from lockstep_assignments`;

/** As the database has it. */
export interface AssignmentRow {
  readonly scenario: string;
  readonly variant: string;
  readonly key_group: number;
  /** A bigint: the driver gives text. */
  readonly epoch: string;
  readonly strategy: string;
  readonly closing_ms: string | null;
}

interface Assignment {
  readonly epoch: bigint;
  readonly strategy: string;
  /** On the clock of `now`: until then newcomers wait in their process. */
  readonly closingUntilMs: number;
}

/** What is believed of the keys of a command. */
export interface Assigned extends Believed {
  /** The strategies of its groups, each once; empty if none of them was ever assigned. */
  readonly strategies: readonly string[];
}

export interface AssignmentOptions {
  /** Runs one statement within a bound. */
  readonly runSql: (text: string) => Promise<readonly AssignmentRow[]>;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
  readonly everyMs?: number;
}

const pollMs = 1_000;
const none: Assignment = { epoch: 0n, strategy: '', closingUntilMs: 0 };

/**
 * What this process believes about who decides which keys: read at the start, every second, and when it
 * hears of a change. It may be old. That is safe, for each transaction proves what it believes.
 */
export class Assignments {
  readonly #options: AssignmentOptions;
  #places: ReadonlyMap<string, ReadonlyMap<number, Assignment>> = new Map();
  #epochs = 0n;
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #changed: (() => void)[] = [];

  constructor(options: AssignmentOptions) {
    this.#options = options;
  }

  /** Resolves after the first reading. */
  async start(): Promise<void> {
    await this.refresh();
    this.#timer = setInterval(() => void this.refresh(), this.#options.everyMs ?? pollMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#next;
    await this.#reading;
  }

  /** Whether any keys of the variant have ever been assigned. */
  has(scenario: string, variant: string): boolean {
    return this.#places.has(placeOf(scenario, variant));
  }

  /** The sum of all epochs it knows: it rises with each change, so it tells how far this process has heard. */
  get epochs(): bigint {
    return this.#epochs;
  }

  of(scenario: string, variant: string, keys: readonly string[]): Assigned {
    const groups = groupsOf(keys);
    const known = this.#places.get(placeOf(scenario, variant));
    const all = groups.map(group => known?.get(group) ?? none);
    const assigned = all.filter(({ epoch }) => epoch > 0n);
    return {
      ...{ scenario, variant, groups },
      epochs: all.map(({ epoch }) => epoch),
      strategies: [...new Set(assigned.map(({ strategy }) => strategy))].sort(),
    };
  }

  /**
   * Waits while a group of these keys is about to change, at most until `deadlineMs`. Waiting here needs
   * no connection; who does not know of the change waits at the gate.
   */
  async whileClosing({ scenario, variant, groups }: Believed, deadlineMs: number): Promise<void> {
    const now = this.#options.now ?? (() => performance.now());
    for (;;) {
      const known = this.#places.get(placeOf(scenario, variant));
      const until = groups.map(group => known?.get(group)?.closingUntilMs ?? 0);
      const leftMs = Math.min(Math.max(...until), deadlineMs) - now();
      if (leftMs <= 0) return;
      await this.#changeOr(leftMs);
    }
  }

  /** Reads anew; what was asked for while a reading ran is read after it. Never rejects. */
  refresh(): Promise<void> {
    if (!this.#reading) {
      this.#reading = this.#read().finally(() => {
        this.#reading = undefined;
      });
      return this.#reading;
    }
    this.#next ??= this.#reading.then(() => {
      this.#next = undefined;
      return this.refresh();
    });
    return this.#next;
  }

  async #read(): Promise<void> {
    const { runSql, onError, now = () => performance.now() } = this.#options;
    try {
      const rows = await runSql(readAll);
      const nowMs = now();
      const places = new Map<string, Map<number, Assignment>>();
      for (const { scenario, variant, key_group, epoch, strategy, closing_ms } of rows) {
        const place = placeOf(scenario, variant);
        const groups = places.get(place) ?? new Map<number, Assignment>();
        places.set(place, groups);
        const closingUntilMs = closing_ms === null ? 0 : nowMs + Number(closing_ms);
        groups.set(key_group, { epoch: BigInt(epoch), strategy, closingUntilMs });
      }
      this.#places = places;
      this.#epochs = rows.reduce((sum, { epoch }) => sum + BigInt(epoch), 0n);
      for (const tell of this.#changed.splice(0)) tell();
    } catch (error) {
      onError(error);
    }
  }

  #changeOr(ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#changed.push(done);
    });
  }
}

const placeOf = (scenario: string, variant: string): string => `${scenario}/${variant}`;
