import {
  type Adoption,
  adoptionMigrations,
  type Guard,
  type Hazard,
  type Isolation,
  type Strategy,
  type Wording,
} from '../contract/index.ts';

/** A strategy with its name. */
export interface NamedStrategy {
  readonly name: string;
  readonly declared: Strategy;
}

export type Composed = NamedStrategy | { readonly refused: string };

/**
 * The intermediate step of a migration from one strategy to another: takes the locks and guards of
 * both, so that it excludes callers that run either one. The order does not depend on the order of
 * the arguments: turns, then first statements, then guards; within each kind the fenced strategy
 * first, then by name. So all pairs share one lock order. `refused` says why a pair cannot be
 * combined.
 */
export function both(one: NamedStrategy, other: NamedStrategy): Composed {
  const [a, b] = ordered(one, other);
  const refused = reasonAgainst(a, b);
  if (refused !== undefined) return { refused };
  const [first, second] = [a.declared, b.declared];
  return {
    name: `both:${[a.name, b.name].sort().join('+')}`,
    declared: {
      title: `Both: ${first.title}; ${second.title}`,
      store: first.store,
      wording: wordingOf(first, second),
      isolation: first.isolation === second.isolation ? first.isolation : 'serializable',
      turns: [...first.turns, ...second.turns],
      first: [...first.first, ...second.first],
      guard: [...new Set([...first.guard, ...second.guard])],
      parts: [first, second],
      ...hazardOf(a, b),
      adoption: adoptionOf(first.adoption, second.adoption),
      compared: 'on request',
    },
  };
}

function ordered(
  one: NamedStrategy,
  other: NamedStrategy,
): readonly [NamedStrategy, NamedStrategy] {
  const rank = ({ name, declared }: NamedStrategy): string =>
    `${isFenced(declared) ? 0 : 1} ${name}`;
  return rank(one) <= rank(other) ? [one, other] : [other, one];
}

function reasonAgainst(a: NamedStrategy, b: NamedStrategy): string | undefined {
  const [first, second] = [a.declared, b.declared];
  const pair = `'${a.name}' and '${b.name}'`;
  if (a.name === b.name) return `'${a.name}' is named twice: name two different strategies`;
  if (first.store !== second.store)
    return `${pair} need two stores (${first.store} and ${second.store}), but a transaction uses one`;
  const early = [a, b].find(({ declared }) => declared.turns.some(turn => turn.until !== 'commit'));
  if (early)
    return `'${early.name}' releases its lock before COMMIT, which no second lock can make up for`;
  if (first.lockSpace !== undefined && first.lockSpace === second.lockSpace)
    return (
      `${pair} take the same lock (${first.lockSpace}): they already exclude each other, so switch ` +
      'directly; combined they would deadlock with themselves'
    );
  if (isFenced(first) && isFenced(second))
    return `${pair} draw fencing tokens from two counters, but a row stores one fence`;
  return reasonOfWordings(a, b) ?? reasonOfLevels(a, b);
}

function reasonOfWordings(a: NamedStrategy, b: NamedStrategy): string | undefined {
  const [one, other] = [a.declared.wording, b.declared.wording];
  if (one === other) return undefined;
  if (one !== 'steps' && other !== 'steps')
    return `'${a.name}' uses wording '${one}' and '${b.name}' uses '${other}': a transaction runs only one`;
  const [stepwise] = one === 'steps' ? [a] : [b];
  const elsewhere: Wording = 'precreated rows';
  const guards = stepwise.declared.guard.length > 0;
  return guards && [one, other].includes(elsewhere)
    ? `'${stepwise.name}' guards the deciding row, but '${elsewhere}' never reads it`
    : undefined;
}

const rowLocks: readonly Guard[] = ['lock row', 'lock row, nowait', 'lock row, skip locked'];

function reasonOfLevels(a: NamedStrategy, b: NamedStrategy): string | undefined {
  const levels = [a.declared.isolation, b.declared.isolation];
  const [one, other] = levels;
  if (one === other) return undefined;
  if (!levels.includes('serializable'))
    return `'${a.name}' runs at ${one} and '${b.name}' at ${other}, and neither level works for both`;
  const strict: Isolation = 'serializable';
  const weaker = one === strict ? b : a;
  const { guard, first } = weaker.declared;
  return first.length > 0 || guard.some(taken => rowLocks.includes(taken))
    ? `'${weaker.name}' waits for its lock inside the transaction: at ${strict} it would read from ` +
        'the snapshot taken before the wait, and the lock holder may not run at that level'
    : undefined;
}

function wordingOf(first: Strategy, second: Strategy): Wording {
  return first.wording === 'steps' ? second.wording : first.wording;
}

/**
 * What an event does to a part, it does to the pair: an orphaned key keeps the row lock behind it from
 * everyone. Without the flaws that contention alone exposes, which the other part may well cover.
 */
function hazardOf(a: NamedStrategy, b: NamedStrategy): { readonly hazard?: Hazard } {
  const kept = [
    [a, b],
    [b, a],
  ].flatMap(([one, other]) => {
    const hazard = one?.declared.hazard;
    return hazard && other && hazard.under.length > 0 ? [{ hazard, other: other.name }] : [];
  });
  const [first] = kept;
  if (!first) return {};
  const { cure } = first.hazard;
  return {
    hazard: {
      why: kept.map(({ hazard }) => hazard.why).join('; '),
      under: [...new Set(kept.flatMap(({ hazard }) => hazard.under))],
      cure: cure === first.other ? cure : `both:${[cure, first.other].sort().join('+')}`,
    },
  };
}

function isFenced({ guard }: Strategy): boolean {
  return guard.includes('fence read') || guard.includes('fence write');
}

/** What the two need together; of two migrations the heavier one. */
function adoptionOf(one: Adoption, other: Adoption): Adoption {
  const asked = [one, other];
  const named = [...new Set(asked.flatMap(a => a.newDependency ?? []))];
  const newDependency = named.length > 1 ? 'redis and several redis nodes' : named[0];
  return {
    migration: adoptionMigrations.findLast(name => asked.some(a => a.migration === name)) ?? 'none',
    everyWriterMustTakePart: asked.some(a => a.everyWriterMustTakePart),
    poolerSafe: asked.every(a => a.poolerSafe),
    retryNeeded: asked.some(a => a.retryNeeded),
    ...(newDependency && { newDependency }),
  };
}
