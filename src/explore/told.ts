import { endingText } from './ending.ts';
import type { ActorEnd } from './run/actor.ts';

/** How one caller's calls ended, over all orders. */
export interface Told {
  readonly actor: string;
  /** The most frequent first. */
  readonly endings: readonly { readonly ending: string; readonly orders: number }[];
  /** Orders that ended in a way that is not listed. */
  readonly others: number;
}

const charactersMax = 80;
const countedMax = 500;
const listedMax = 6;

/** Counts what each caller was told. */
export class ToldCount {
  readonly #actors: readonly string[];
  #counts: Map<string, number>[] = [];

  constructor(actors: readonly string[]) {
    this.#actors = actors;
    this.startOver();
  }

  startOver(): void {
    this.#counts = this.#actors.map(() => new Map());
  }

  add(ends: readonly (ActorEnd | undefined)[]): void {
    for (const [at, counts] of this.#counts.entries()) {
      const text = shortEnding(ends[at]);
      const ending = counts.has(text) || counts.size < countedMax ? text : '';
      counts.set(ending, (counts.get(ending) ?? 0) + 1);
    }
  }

  get all(): readonly Told[] {
    return this.#counts.map((counts, at) => {
      const sorted = [...counts].filter(([ending]) => ending !== '').sort(([, a], [, b]) => b - a);
      const listed = sorted.slice(0, listedMax);
      const all = [...counts.values()].reduce((sum, orders) => sum + orders, 0);
      return {
        actor: this.#actors[at] ?? '',
        endings: listed.map(([ending, orders]) => ({ ending, orders })),
        others: all - listed.reduce((sum, [, orders]) => sum + orders, 0),
      };
    });
  }
}

/** `ann: returned "booked" 7, "taken" 7`. */
export function toldText({ actor, endings, others }: Told): string {
  const parts = endings.map(({ ending, orders }, at) => {
    const verb = ending.split(' ', 1)[0] ?? '';
    const again = at > 0 && ending !== verb && endings[at - 1]?.ending.startsWith(`${verb} `);
    return `${again ? ending.slice(verb.length + 1) : ending} ${orders}`;
  });
  return `${actor}: ${[...parts, ...(others > 0 ? [`otherwise ${others}`] : [])].join(', ')}`;
}

/** An answer over HTTP is its status and body. */
export function shortEnding(end: ActorEnd | undefined): string {
  const answer = httpAnswer(end);
  const text = answer === undefined ? endingText(end) : `told ${answer.text}`;
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= charactersMax ? flat : `${flat.slice(0, charactersMax - 1)}…`;
}

/** What a service answered; only for actors that are requests to a service. */
export function httpAnswer(
  end: ActorEnd | undefined,
): { readonly status: number; readonly text: string } | undefined {
  if (end?.kind !== 'returned' || typeof end.value !== 'object' || end.value === null)
    return undefined;
  const { status, body }: { status?: unknown; body?: unknown } = end.value;
  if (typeof status !== 'number' || typeof body !== 'string') return undefined;
  return { status, text: `${status} ${body}`.trim() };
}
