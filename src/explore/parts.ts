import type { Counterexample, Part } from './result.ts';
import { eventOfToken } from './run/events.ts';
import type { Visit } from './search/search.ts';

/** Counts the orders apart by the events in them: a claim may hold without a crash and not with one. */
export class Parts {
  readonly #parts = new Map<Part['event'], { -readonly [K in keyof Part]: Part[K] }>();

  /** `found` is what violates in this order; undefined where nothing does. */
  count({ tokens }: Visit, found: Counterexample | undefined): void {
    const event = eventsOf(tokens);
    const part = this.#parts.get(event) ?? newPart(event);
    this.#parts.set(event, part);
    part.orders++;
    if (found === undefined) return;
    part.violating++;
    const known = part.counterexample;
    if (known === undefined || isSimpler(found, known)) part.counterexample = found;
  }

  get all(): readonly Part[] {
    return [...this.#parts.values()];
  }

  /** A second pass counts from the start; what was found stays. */
  startOver(): void {
    for (const part of this.#parts.values()) [part.orders, part.violating] = [0, 0];
  }
}

/** Fewer events, then fewer preemptions, then fewer steps. */
export function isSimpler(a: Counterexample, b: Counterexample): boolean {
  const by =
    a.cost.events - b.cost.events ||
    a.cost.preemptions - b.cost.preemptions ||
    a.record.lines.length - b.record.lines.length;
  return by < 0;
}

function newPart(event: Part['event']) {
  return { event, orders: 0, violating: 0, counterexample: undefined };
}

function eventsOf(tokens: readonly string[]): Part['event'] {
  const kinds = new Set(tokens.map(eventOfToken).filter(kind => kind !== undefined));
  const [first, ...others] = [...kinds].sort();
  if (first === undefined) return 'none';
  return others.length === 0 ? first : `${first}+${others.join('+')}`;
}
