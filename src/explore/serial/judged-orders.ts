import type { Counterexample } from '../counterexample.ts';
import { type JudgedKind, judgedKinds, type Masked } from './finding.ts';

/** What the orders came to beside the serial ones. */
export interface SerialReport {
  readonly orders: Readonly<Record<JudgedKind, number>>;
  readonly masked: readonly Masked[];
  /** What each serial order tells the callers, in short. */
  readonly told: readonly (readonly string[])[];
  /** The simplest order of each kind that was met. */
  readonly shortest: ReadonlyMap<JudgedKind, Counterexample>;
  /** Beside an audit, if there is one: who finds something wrong with an order. */
  readonly beside: Readonly<Record<FoundBy, number>>;
  /** The simplest order that only one of them finds. */
  readonly alone: ReadonlyMap<FoundBy, Counterexample>;
}

/** Who finds something wrong with an order; the serial orders in what it leaves, or what it tells. */
export type FoundBy = 'both' | 'the audit alone' | 'serial orders alone' | 'neither';

/** Counts judged orders by their kind. */
export class JudgedOrders {
  #counts = new Map<JudgedKind, number>();
  readonly #shortest = new Map<JudgedKind, Counterexample>();
  #beside = new Map<FoundBy, number>();
  readonly #alone = new Map<FoundBy, Counterexample>();
  readonly #isSimpler: (a: Counterexample, b: Counterexample) => boolean;

  constructor(isSimpler: (a: Counterexample, b: Counterexample) => boolean) {
    this.#isSimpler = isSimpler;
  }

  add(order: Counterexample): void {
    const kind = order.record.judgement?.kind;
    if (kind === undefined) return;
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const known = this.#shortest.get(kind);
    if (known === undefined || this.#isSimpler(order, known)) this.#shortest.set(kind, order);
    const by = foundBy(order);
    this.#beside.set(by, (this.#beside.get(by) ?? 0) + 1);
    const other = this.#alone.get(by);
    if (other === undefined || this.#isSimpler(order, other)) this.#alone.set(by, order);
  }

  /** A second pass counts from the start; what was found stays. */
  startOver(): void {
    this.#counts = new Map();
    this.#beside = new Map();
  }

  report({ masked, told }: Pick<SerialReport, 'masked' | 'told'>): SerialReport {
    const count = (kind: JudgedKind): number => this.#counts.get(kind) ?? 0;
    return {
      orders: {
        'effects differ': count('effects differ'),
        'never ends': count('never ends'),
        'only answers differ': count('only answers differ'),
        'only an error that asks for a retry': count('only an error that asks for a retry'),
        'not judged': count('not judged'),
        'equals a serial order': count('equals a serial order'),
      },
      masked,
      told,
      shortest: this.#shortest,
      beside: {
        both: this.#beside.get('both') ?? 0,
        'the audit alone': this.#beside.get('the audit alone') ?? 0,
        'serial orders alone': this.#beside.get('serial orders alone') ?? 0,
        neither: this.#beside.get('neither') ?? 0,
      },
      alone: this.#alone,
    };
  }
}

function foundBy({ record }: Counterexample): FoundBy {
  const kind = record.judgement?.kind;
  const own = kind === 'effects differ' || kind === 'only answers differ';
  const audited = record.violations.length > (own ? 1 : 0);
  const serial = own || kind === 'never ends';
  if (audited) return serial ? 'both' : 'the audit alone';
  return serial ? 'serial orders alone' : 'neither';
}

/** `3 in what they leave, 1 only in an answer`, as a part of a sentence; empty where there are none. */
export function kindsText({ orders }: SerialReport): string {
  const parts = judgedKinds.flatMap(kind => {
    const count = orders[kind];
    return count === 0 || kind === 'equals a serial order' ? [] : [`${kind} ${count}`];
  });
  return parts.join(', ');
}

/** For the assumptions of a verdict. */
export function maskedText(masked: readonly Masked[]): readonly string[] {
  const named = (how: Masked['how']): string =>
    masked
      .filter(one => one.how === how)
      .map(({ place, why }) => `${place} (${why})`)
      .join(', ');
  const [renamed, out] = [named('renamed'), named('left out')];
  return [
    'An order is right if what its callers were told, with the rows and keys that it left, equals what some ' +
      'serial order leads to; a caller that was told that nothing was done counts as one that did not run.',
    ...(renamed === '' ? [] : [`Compared up to a one-to-one renaming: ${renamed}.`]),
    ...(out === '' ? [] : [`Not compared: ${out}.`]),
  ];
}
