import { mulberry32 } from '../mulberry32.ts';
import { type Choice, isEvent } from './choice.ts';
import { type Cost, costAfter, noCost } from './cost.ts';
import type { DecisionPoint } from './point.ts';
import type { Execute, Scheduler } from './scheduler.ts';

/** A schedule that was drawn, and its cost. */
export interface Drawn {
  readonly tokens: readonly string[];
  readonly cost: Cost;
}

/** Races of this depth are found with a known probability (`d` of PCT). */
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
    this.#next = mulberry32(seed);
    this.#eventsMax = eventsMax;
  }

  /** Draws one schedule and runs it. Rejects as `execute` does. */
  async draw(execute: Execute): Promise<Drawn> {
    const point = (): number => Math.floor(this.#next() * this.#stepsMost);
    const changes = new Set(Array.from({ length: depth - 1 }, point));
    const events = new Set(Array.from({ length: this.#eventsMax }, point));
    const draw = new Draw(this.#next, changes, events);
    await execute(draw);
    const { tokens, cost } = draw;
    this.#stepsMost = Math.max(this.#stepsMost, tokens.length);
    return { tokens, cost };
  }
}

/** One schedule while it is drawn. */
class Draw implements Scheduler, Drawn {
  readonly tokens: string[] = [];
  cost = noCost;
  readonly #random: () => number;
  /** Steps after which the actor that ran gets the lowest priority. */
  readonly #changes: ReadonlySet<number>;
  /** Steps at which an event happens where one can. */
  readonly #events: ReadonlySet<number>;
  readonly #priorities = new Map<number, number>();

  constructor(random: () => number, changes: ReadonlySet<number>, events: ReadonlySet<number>) {
    this.#random = random;
    this.#changes = changes;
    this.#events = events;
  }

  next(at: DecisionPoint): Choice | undefined {
    const step = this.tokens.length;
    const choice = this.#choose(at.choices, this.#events.has(step));
    if (choice === undefined) return undefined;
    // Sleepers let the others run: a loop of try and sleep would never see its lock freed.
    if (this.#changes.has(step) || choice.kind === 'wake') {
      this.#priorities.set(choice.actor ?? -1, -step);
    }
    this.tokens.push(choice.token);
    this.cost = costAfter(this.cost, choice, at.choices, at.previous);
    return choice;
  }

  #choose(choices: readonly Choice[], eventNow: boolean): Choice | undefined {
    const events = choices.filter(isEvent);
    if (eventNow && events.length > 0) return this.#oneOf(events);
    const own = choices.filter(choice => !isEvent(choice));
    const ranked = own.map(choice => ({ choice, rank: this.#rank(choice) }));
    // Steps of one actor that can go in either order rank equally: chance decides.
    const best = Math.max(...ranked.map(one => one.rank));
    return this.#oneOf(ranked.filter(one => one.rank === best))?.choice;
  }

  #rank(choice: Choice): number {
    const actor = choice.actor ?? -1;
    const known = this.#priorities.get(actor) ?? this.#random();
    this.#priorities.set(actor, known);
    // Actors that can act go before those that would only wait for their clock.
    return choice.kind === 'wake' ? known - 1e6 : known;
  }

  #oneOf<T>(all: readonly T[]): T | undefined {
    return all[Math.floor(this.#random() * all.length)];
  }
}
