import type { Guard, Strategy, Wording } from '../contract/index.ts';
import type { NamedStrategy } from './both.ts';

const rowLocks: readonly Guard[] = ['lock row', 'lock row, nowait', 'fence read'];
const refusing: readonly Wording[] = ['conditional update', 'numbered slots', 'exclusion'];

/**
 * Whether two strategies are known to exclude each other when some processes run the one and some the
 * other. Derived from facts: one lock space, locks on the same row, one version or constraint that
 * both check. False means only that nothing is known: the explorer (`--pairs`) tells more.
 */
export function areSafeSideBySide(one: NamedStrategy, other: NamedStrategy): boolean {
  if (one.name === other.name) return true;
  const [a, b] = [one.declared, other.declared];
  const shared = spacesOf(a).some(space => spacesOf(b).includes(space));
  return (
    shared ||
    (a.isolation === 'serializable' && b.isolation === 'serializable') ||
    lockSameRows(a, b) ||
    (has(a, 'lock table') && has(b, 'lock table')) ||
    (has(a, 'compare version') && has(b, 'compare version')) ||
    (a.wording === b.wording && refusing.includes(a.wording))
  );
}

/** The lock spaces whose locks it holds until COMMIT. */
function spacesOf(strategy: Strategy): readonly string[] {
  const parts = strategy.parts ?? [strategy];
  return parts.flatMap(({ turns, lockSpace }) =>
    lockSpace !== undefined && turns.every(turn => turn.until === 'commit') ? [lockSpace] : [],
  );
}

/** And look after the lock: a snapshot from before it does not show what the other has inserted. */
function lockSameRows(a: Strategy, b: Strategy): boolean {
  const [one, other] = [a, b].map(({ wording }) => wording === 'precreated rows');
  if (one !== other) return false; // the one locks the deciding row, the other those created beforehand
  const locks = one ? [...rowLocks, 'lock row, skip locked' as const] : rowLocks;
  return [a, b].every(
    strategy => strategy.isolation === 'read committed' && has(strategy, ...locks),
  );
}

function has({ guard }: Strategy, ...any: readonly Guard[]): boolean {
  return any.some(taken => guard.includes(taken));
}
