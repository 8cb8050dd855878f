import type { ExecutionRecord, Stage } from './run/stage.ts';
import { beginsAlone } from './search/schedule.ts';
import { Search, type SearchEnd, type SearchPlan, type Visit } from './search/search.ts';

/** Orders that have BEGIN as a step of its own may switch so often between callers. */
const preemptions = 1;

/**
 * BEGIN fixes now() for its transaction, and runs with the statement after it otherwise. Where that
 * time was read, orders in which others come between the two are run as well: few, since each needs
 * a switch. `count` is told of those only; the rest were run before.
 */
export async function searchBeginsApart(
  plan: SearchPlan,
  before: SearchEnd,
  execute: (...course: Parameters<Stage['execute']>) => Promise<ExecutionRecord>,
  count: (visit: Visit, record: ExecutionRecord) => 'go on' | 'stop',
): Promise<SearchEnd> {
  const most = Math.min(preemptions, plan.bound.preemptions ?? preemptions);
  const bound = { events: 0, preemptions: most, preemptionsWithEvent: undefined };
  const executionsMax = Math.max(0, plan.executionsMax - before.executions - before.pruned);
  let record: ExecutionRecord | undefined;
  const { stopped } = await new Search({
    ...plan,
    bound,
    executionsMax,
    reduce: false,
    simple: undefined,
  }).run(
    async scheduler => {
      record = await execute(scheduler, { beginsApart: true });
    },
    visit => {
      if (record === undefined || !visit.tokens.some(lets)) return 'go on';
      return count(visit, record);
    },
  );
  return stopped ? { ...before, stopped, exhausted: false } : before;
}

/** Somebody else goes on behind BEGIN alone; otherwise the order is one that was run before. */
function lets(token: string, at: number, all: readonly string[]): boolean {
  return beginsAlone(token) && all[at + 1] !== token.slice(1);
}
