import { Failure, type Strategy } from '../contract/index.ts';
import type { Assigned, Assigner } from '../engine/assigner.ts';
import type { Command } from '../engine/command.ts';
import type { Registry } from '../engine/registry.ts';
import type { Assignments, Assigned as Beliefs } from './assignments.ts';
import { strategyNamed } from './named.ts';
import { proofSql } from './proof.ts';
import { protectorOf } from './shadow.ts';
import { areSafeSideBySide } from './side-by-side.ts';

/** Why this process cannot run a strategy; undefined if it can. */
type Missing = (strategy: Strategy) => string | undefined;

/**
 * Takes the strategy from the assignments of a command's keys; keys that were never assigned run under
 * the command's own. Both are proved. Refused with `assignment-not-offered` where the strategy cannot
 * run here; thrown where it is not even known.
 */
export function assignerOf(
  assignments: Assignments,
  registry: Registry,
  missing: Missing = () => undefined,
): Assigner {
  return {
    async assign(command, keys, deadlineMs): Promise<Assigned> {
      const { scenario, variant } = command;
      const before = assignments.of(scenario.name, variant, keys);
      if (command.chosen) return { strategy: command.strategy, proof: unassigned(before) };
      await assignments.whileClosing(before, deadlineMs);
      const now = assignments.of(scenario.name, variant, keys);
      const strategy = strategyOf(command, now, registry);
      const why = strategy === command.strategy ? undefined : missing(strategy.declared);
      const proof = proofSql(now);
      if (why === undefined) return { strategy, proof };
      const message = `${strategy.name} ${why}`;
      return { strategy, proof, refused: new Failure('assignment-not-offered', { message }) };
    },
    refresh: () => assignments.refresh(),
  };
}

/** A caller that chose its strategy may decide only what nobody assigns. */
function unassigned(beliefs: Beliefs): string {
  return proofSql({ ...beliefs, epochs: beliefs.groups.map(() => 0n) });
}

/**
 * Keys under two strategies are decided under both at once; where these take the same lock, and so
 * cannot be taken both, under one of them. Where one is only tried, it is not needed.
 */
function strategyOf(command: Command, beliefs: Beliefs, registry: Registry): Command['strategy'] {
  const { strategies } = beliefs;
  const names = strategies.length < 2 ? strategies : [...new Set(strategies.map(protectorOf))];
  if (names.length === 0) return command.strategy;
  const name = names.length === 1 ? (names[0] ?? '') : `both:${names.join('+')}`;
  const found = names.length > 2 ? undefined : strategyNamed(registry, name);
  if (found && 'strategy' in found) return found.strategy;
  if (found && 'refused' in found) {
    const [one, other] = names.map(each => strategyNamed(registry, each));
    const known = one && other && 'strategy' in one && 'strategy' in other;
    if (known && areSafeSideBySide(one.strategy, other.strategy)) return one.strategy;
  }
  throw names.length > 1
    ? new Failure('assignment-divided')
    : new Failure('assignment-not-offered', { message: `there is no strategy '${name}' here` });
}
