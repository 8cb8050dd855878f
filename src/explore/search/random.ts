import { type Choice, isEvent } from './choice.ts';
import { type Cost, costAfter, noCost } from './cost.ts';
import type { Choose, DecisionPoint } from './point.ts';

/** A schedule that was drawn, and what it cost. */
export interface Drawn {
  readonly tokens: readonly string[];
  readonly cost: Cost;
}

/** Orders of this many constraints are met with a known chance (`d` of PCT). */
const depth = 3;

/**
 * Random schedules after PCT (Burckhardt et al., ASPLOS 2010): each actor draws a priority, the
 * highest that can act does, and at `depth - 1` random points the running one falls behind all
 * others. A race of that depth is met with a chance of at least 1 / (actors × steps²) per schedule.
 * The same seed draws the same schedules.
 */
export class RandomSchedules {
  readonly #next: () => number;
  readonly #eventsMax: number;
  /** The longest schedule so far: where changes may fall. */
  #stepsMost = 8;

  constructor(seed: number, eventsMax: number) {
    this.#next = numbers(seed);
    this.#eventsMax = eventsMax;
  }

  /** Runs one schedule from its start; `execute` asks before each choice. */
  async draw(execute: (choose: Choose) => Promise<void>): Promise<Drawn> {
    const tokens: string[] = [];
    let cost = noCost;
    const point = (): number => Math.floor(this.#next() * this.#stepsMost);
    const changes = new Set(Array.from({ length: depth - 1 }, point));
    const events = new Set(Array.from({ length: this.#eventsMax }, point));
    const priorities = new Map<number, number>();
    await execute(at => {
      const step = tokens.length;
      const choice = this.#choose(at, priorities, events.has(step));
      if (choice === undefined) return undefined;
      // Who sleeps lets the others run, or a loop of try and sleep would never see its lock freed.
      if (changes.has(step) || choice.kind === 'wake') {
        priorities.set(choice.actor ?? -1, -step);
      }
      tokens.push(choice.token);
      cost = costAfter(cost, choice, at.choices, at.previous);
      return choice;
    });
    this.#stepsMost = Math.max(this.#stepsMost, tokens.length);
    return { tokens, cost };
  }

  #choose(
    { choices }: DecisionPoint,
    priorities: Map<number, number>,
    eventNow: boolean,
  ): Choice | undefined {
    const events = choices.filter(isEvent);
    if (eventNow && events.length > 0) return events[Math.floor(this.#next() * events.length)];
    const rank = (choice: Choice): number => {
      const actor = choice.actor ?? -1;
      const known = priorities.get(actor) ?? this.#next();
      priorities.set(actor, known);
      // Whoever can act goes before whoever would only wait for its clock.
      return choice.kind === 'wake' ? known - 1e6 : known;
    };
    const own = choices.filter(choice => !isEvent(choice));
    const ranked = own.map(choice => ({ choice, rank: rank(choice) }));
    // Steps of one actor that can go in either order have one rank: chance decides.
    const best = Math.max(...ranked.map(one => one.rank));
    const equals = ranked.filter(one => one.rank === best);
    return equals[Math.floor(this.#next() * equals.length)]?.choice;
  }
}

/** mulberry32 (Tommy Ettinger, public domain). */
function numbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
