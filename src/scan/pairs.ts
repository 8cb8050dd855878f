import { kindOf, resourcesOf } from './kinds.ts';
import type { RecordedRequest } from './record/recording.ts';
import { isTurnedAway } from './replay/compare.ts';

/** Two recorded requests that are sent at the same time; one with itself is a repeated click. */
export interface Pair {
  readonly first: RecordedRequest;
  readonly second: RecordedRequest;
  readonly kinds: readonly [string, string];
}

export interface Plan {
  /** In the order of the states that they start from. */
  readonly pairs: readonly Pair[];
  /** Every kind of request, and how many there were. */
  readonly kinds: ReadonlyMap<string, number>;
  /** Pairs of requests for which those of the plan stand, since they are of the same kinds. */
  readonly untried: number;
}

/** How many pairs of different requests stand for two kinds. */
const eachMax = 2;

/**
 * Which pairs stand for all: of each kind one request with itself, and of each two kinds the pairs that
 * are about the same thing and come from nearest to each other. One kind is paired with itself too: two
 * users who do the same.
 */
export function planOf(requests: readonly RecordedRequest[]): Plan {
  const groups = new Map<string, RecordedRequest[]>();
  for (const one of requests) {
    const kind = kindOf(one);
    groups.set(kind, [...(groups.get(kind) ?? []), one]);
  }
  const kinds = [...groups.keys()];
  const pairs: Pair[] = [];
  for (const [at, kind] of kinds.entries()) {
    const own = groups.get(kind) ?? [];
    pairs.push(...twin(own, kind));
    for (const other of kinds.slice(at)) {
      const chosen = nearest(own, groups.get(other) ?? []);
      if (other === kind) chosen.push(...lastLetIn(own));
      const found = chosen.map(([first, second]): Pair => pairOf(first, second));
      pairs.push(...found.filter(one => !pairs.some(known => same(known, one))));
    }
  }
  const all = (requests.length * (requests.length + 1)) / 2;
  pairs.sort((a, b) => a.first.id - b.first.id || a.second.id - b.second.id);
  return {
    pairs,
    kinds: new Map(kinds.map(kind => [kind, groups.get(kind)?.length ?? 0])),
    untried: all - pairs.length,
  };
}

function same(one: Pair, other: Pair): boolean {
  return one.first === other.first && one.second === other.second;
}

function pairOf(one: RecordedRequest, other: RecordedRequest): Pair {
  const [first, second] = one.id <= other.id ? [one, other] : [other, one];
  return { first, second, kinds: [kindOf(first), kindOf(second)] };
}

/** The first that did something, with itself. */
function twin(requests: readonly RecordedRequest[], kind: string): Pair[] {
  const done = requests.find(({ answer }) => answer !== null && answer.status < 400);
  const one = done ?? requests[0];
  return one === undefined ? [] : [{ first: one, second: one, kinds: [kind, kind] }];
}

/**
 * Where something ran out: who got the last of it, with itself and with the first who got none. The
 * first who came may have met an empty house.
 */
function lastLetIn(
  requests: readonly RecordedRequest[],
): (readonly [RecordedRequest, RecordedRequest])[] {
  const letIn = ({ answer }: RecordedRequest): boolean => answer !== null && answer.status < 400;
  for (const [at, refused] of requests.entries()) {
    if (letIn(refused) || isTurnedAway(refused.answer)) continue;
    const before = requests.slice(0, at).filter(letIn);
    const about = resourcesOf(refused);
    const last =
      before.findLast(one => resourcesOf(one).some(value => about.includes(value))) ??
      before.at(-1);
    if (last !== undefined)
      return [
        [last, last],
        [last, refused],
      ];
  }
  return [];
}

const comparedMax = 200;

/** The best of different requests: about the same thing, and soon after each other. */
function nearest(
  ones: readonly RecordedRequest[],
  others: readonly RecordedRequest[],
): (readonly [RecordedRequest, RecordedRequest])[] {
  const resources = new Map<RecordedRequest, readonly string[]>();
  for (const one of [...ones.slice(0, comparedMax), ...others.slice(0, comparedMax)])
    resources.set(one, resourcesOf(one));
  const best: { far: number; pair: readonly [RecordedRequest, RecordedRequest] }[] = [];
  const sameKind = ones === others;
  for (const one of ones.slice(0, comparedMax)) {
    for (const other of others.slice(0, comparedMax)) {
      if (one.id === other.id || (sameKind && other.id < one.id)) continue;
      const shares = resources.get(one)?.some(value => resources.get(other)?.includes(value));
      const apart = Math.abs(one.id - other.id) + Math.min(one.id, other.id) / 1e6;
      const far = apart + (shares ? 0 : 1e9) + (sameText(one, other) ? 1e6 : 0);
      if (best.length === eachMax && far >= (best.at(-1)?.far ?? 0)) continue;
      best.push({ far, pair: [one, other] });
      best.sort((a, b) => a.far - b.far);
      best.length = Math.min(best.length, eachMax);
    }
  }
  return best.map(({ pair }) => pair);
}

/** It is a repeated click, which is a pair of its own. */
function sameText(one: RecordedRequest, other: RecordedRequest): boolean {
  return one.path === other.path && one.body.text === other.body.text;
}
