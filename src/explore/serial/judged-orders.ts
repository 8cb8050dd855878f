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
}

/** Counts judged orders by their kind. */
export class JudgedOrders {
  #counts = new Map<JudgedKind, number>();
  readonly #shortest = new Map<JudgedKind, Counterexample>();
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
  }

  /** A second pass counts from the start; what was found stays. */
  startOver(): void {
    this.#counts = new Map();
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
    };
  }
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
