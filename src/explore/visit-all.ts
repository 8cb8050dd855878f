import { Search, type SearchEnd, type SearchPlan } from './search/search.ts';

/** What orders teach about the program, beside their ends. */
export interface Learnt {
  /** Whether some statement has read the time, where no table tells of it. */
  readonly clockWasRead: boolean;
  /** Whether actors wait for each other inside the process. */
  readonly sharesState: boolean;
}

/**
 * Visits every schedule of the plan. If it turns out on the way that some orders should not have been
 * skipped, visits them all once more. Where actors share state in this process, no server can tell
 * which steps commute.
 */
export async function visitAll(
  plan: SearchPlan,
  visit: (search: Search) => Promise<SearchEnd>,
  learnt: () => Learnt,
  startOver: () => void,
): Promise<SearchEnd> {
  const end = await visit(new Search(plan));
  const { clockWasRead, sharesState } = learnt();
  if (!plan.reduce || !(clockWasRead || sharesState) || end.stopped) return end;
  startOver();
  const executionsMax = Math.max(0, plan.executionsMax - end.executions - end.pruned);
  return visit(new Search({ ...plan, executionsMax, reduce: !sharesState }));
}
