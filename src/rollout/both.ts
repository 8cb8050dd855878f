import type { Adoption, Guard, Isolation, Strategy, Wording } from '../contract/index.ts';

/** A strategy under the name by which people ask for it. */
export interface NamedStrategy {
  readonly name: string;
  readonly declared: Strategy;
}

export type Composed = NamedStrategy | { readonly refused: string };

/**
 * The safe middle of a change from one strategy to another: takes the turns of both and keeps the
 * guards of both inside one transaction, so that it excludes whoever runs either. The order does not
 * depend on that of the arguments: turns first, then statements that come first, then guards, and of
 * two of a kind the one with the fence, then the one whose name comes first. So all pairs together
 * have one lock order. `refused` says why a pair cannot share a transaction.
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
  if (a.name === b.name) return `'${a.name}' is one strategy: name two`;
  if (first.store !== second.store)
    return `${pair} need two stores (${first.store} and ${second.store}), and a transaction has one`;
  const early = [a, b].find(({ declared }) => declared.turns.some(turn => turn.until !== 'commit'));
  if (early) return `'${early.name}' gives its turn back before COMMIT: nothing makes up for that`;
  if (first.lockSpace !== undefined && first.lockSpace === second.lockSpace)
    return (
      `${pair} take the same lock (${first.lockSpace}): they exclude each other already, so change ` +
      'from one to the other directly; together they would wait for themselves'
    );
  if (isFenced(first) && isFenced(second))
    return `${pair} have fences from two counters, and a row has one fence`;
  return reasonOfWordings(a, b) ?? reasonOfLevels(a, b);
}

function reasonOfWordings(a: NamedStrategy, b: NamedStrategy): string | undefined {
  const [one, other] = [a.declared.wording, b.declared.wording];
  if (one === other) return undefined;
  if (one !== 'steps' && other !== 'steps')
    return `'${a.name}' runs '${one}' and '${b.name}' runs '${other}': a transaction runs one of them`;
  const [stepwise] = one === 'steps' ? [a] : [b];
  const elsewhere: Wording = 'precreated rows';
  const guards = stepwise.declared.guard.length > 0;
  return guards && [one, other].includes(elsewhere)
    ? `'${stepwise.name}' guards the deciding row, and '${elsewhere}' never reads it`
    : undefined;
}

const rowLocks: readonly Guard[] = ['lock row', 'lock row, nowait', 'lock row, skip locked'];

function reasonOfLevels(a: NamedStrategy, b: NamedStrategy): string | undefined {
  const levels = [a.declared.isolation, b.declared.isolation];
  const [one, other] = levels;
  if (one === other) return undefined;
  if (!levels.includes('serializable'))
    return `'${a.name}' runs at ${one} and '${b.name}' at ${other}, and neither level gives both what they need`;
  const strict: Isolation = 'serializable';
  const weaker = one === strict ? b : a;
  const { guard, first } = weaker.declared;
  return first.length > 0 || guard.some(taken => rowLocks.includes(taken))
    ? `'${weaker.name}' waits for its lock inside the transaction: at ${strict} it would then look ` +
        'with the snapshot from before the wait, and who holds the lock takes no part in its check'
    : undefined;
}

function wordingOf(first: Strategy, second: Strategy): Wording {
  return first.wording === 'steps' ? second.wording : first.wording;
}

function isFenced({ guard }: Strategy): boolean {
  return guard.includes('fence read') || guard.includes('fence write');
}

const migrations = ['none', 'column', 'rows beforehand', 'constraint over existing rows'] as const;

/** What both ask for; of two migrations the heavier one is told. */
function adoptionOf(one: Adoption, other: Adoption): Adoption {
  const asked = [one, other];
  const named = [...new Set(asked.flatMap(a => a.newDependency ?? []))];
  const newDependency = named.length > 1 ? 'redis and several redis nodes' : named[0];
  return {
    migration: migrations.findLast(name => asked.some(a => a.migration === name)) ?? 'none',
    everyWriterMustTakePart: asked.some(a => a.everyWriterMustTakePart),
    poolerSafe: asked.every(a => a.poolerSafe),
    retryNeeded: asked.some(a => a.retryNeeded),
    ...(newDependency && { newDependency }),
  };
}
