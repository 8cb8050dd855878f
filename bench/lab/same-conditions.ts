/** Whether an interrupted run may be gone on with: only on the code, servers and machine that began it. */
import { UsageError } from './command-line.ts';
import type { Conditions } from './shapes.ts';

/** Throws `UsageError` if any of them has changed since, or if nobody can tell. */
export function assertSame(before: Conditions, now: Conditions): void {
  const today = factsOf(now);
  const changed = [...factsOf(before)].filter(([name, value]) => today.get(name) !== value);
  const told = changed.map(([name, value]) => `${name} was ${value}, is now ${today.get(name)}`);
  const reasons = [...told, ...otherFiles(before, now)];
  if (reasons.length > 0) throw new UsageError(`cannot resume the run: ${reasons.join('; ')}`);
}

function factsOf({ commit, node, postgres, redis, machine, service }: Conditions) {
  return new Map([
    ['the commit', commit],
    ['Node', node],
    ['Postgres', postgres.version],
    ['Redis', redis.version],
    ['the processor', machine.processor],
    ['the service', JSON.stringify(service)],
  ]);
}

/** Two edits of one commit differ in their hash only; an older run has none, and says `changed` at most. */
function otherFiles(before: Conditions, now: Conditions): readonly string[] {
  if (before.code === undefined || now.code === undefined)
    return before.changed === false && now.changed === false
      ? []
      : ['files differ from the commit, and nobody can tell whether they are the same as then'];
  return before.code === now.code ? [] : ['files of Lockstep are not the same as then'];
}
