import type { Counterexample } from './counterexample.ts';
import type { Part, PartEnds } from './result.ts';
import { eventOfToken } from './run/events.ts';
import type { ExecutionRecord } from './run/record.ts';
import type { Visit } from './search/search.ts';
import { judgedKinds } from './serial/finding.ts';

/** Counts orders by the events in them: a claim may hold without a crash and fail with one. */
export class Parts {
  readonly #parts = new Map<Part['event'], OpenPart>();

  /** `found` is the counterexample if this order violates; `ends` is its outcome as text. */
  count({ tokens }: Visit, found: Counterexample | undefined, ends: string): void {
    const event = eventsOf(tokens);
    const part = this.#parts.get(event) ?? newPart(event);
    this.#parts.set(event, part);
    part.orders++;
    const { orders, violating } = part.ends.get(ends) ?? { orders: 0, violating: 0 };
    part.ends.set(ends, { orders: orders + 1, violating: violating + (found ? 1 : 0) });
    if (found === undefined) return;
    part.violating++;
    keep(part, found);
  }

  /** Keeps a shorter counterexample without counting it. */
  shorter({ tokens }: Visit, found: Counterexample): void {
    const part = this.#parts.get(eventsOf(tokens));
    if (part !== undefined) keep(part, found);
  }

  get all(): readonly Part[] {
    return [...this.#parts.values()];
  }

  /** A second pass counts from the start; what was found stays. */
  startOver(): void {
    for (const part of this.#parts.values()) {
      [part.orders, part.violating] = [0, 0];
      part.ends.clear();
    }
  }
}

/** Wrong effects before wrong answers; then fewer events, fewer preemptions, fewer steps. */
export function isSimpler(a: Counterexample, b: Counterexample): boolean {
  const by =
    gravity(a.record) - gravity(b.record) ||
    a.cost.events - b.cost.events ||
    a.cost.preemptions - b.cost.preemptions ||
    a.record.lines.length - b.record.lines.length;
  return by < 0;
}

/** What the audit finds is as grave as it gets. */
function gravity({ judgement }: ExecutionRecord): number {
  const found = judgement?.kind === 'only answers differ' || judgement?.kind === 'never ends';
  return judgement !== undefined && found ? judgedKinds.indexOf(judgement.kind) : 0;
}

type OpenPart = { -readonly [K in keyof Part]: Part[K] } & { ends: Map<string, PartEnds> };

function keep(part: OpenPart, found: Counterexample): void {
  const known = part.counterexample;
  if (known === undefined || isSimpler(found, known)) part.counterexample = found;
}

function newPart(event: Part['event']): OpenPart {
  return { event, orders: 0, violating: 0, ends: new Map(), counterexample: undefined };
}

function eventsOf(tokens: readonly string[]): Part['event'] {
  const kinds = new Set(tokens.map(eventOfToken).filter(kind => kind !== undefined));
  const [first, ...others] = [...kinds].sort();
  if (first === undefined) return 'none';
  return others.length === 0 ? first : `${first}+${others.join('+')}`;
}
