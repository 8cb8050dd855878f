import type { Caller, Program, ProgramStep } from './program.ts';

/** Estimates the orders of an unreduced search from the choices of each caller, ignoring waits. */
export function ordersOf(counts: readonly number[], event: boolean): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const orders = factorial(total) / counts.reduce((product, n) => product * factorial(n), 1);
  // an event can occur at any point; after it there are fewer orders
  return event ? orders * total : orders;
}

type Settings = Pick<Program, 'phases' | 'fuseBegin'>;

/** The number of choices of a caller that runs all its steps. */
export function choicesOf({ steps }: Caller, settings: Settings): number {
  return steps.reduce((sum, step, at) => sum + choices(step, steps[at + 1], settings), 0);
}

function choices(
  step: ProgramStep,
  next: ProgramStep | undefined,
  { phases, fuseBegin }: Settings,
): number {
  const { request } = step;
  // receiving a message is a choice, and so is the end of the wait for one
  if ('subscribe' in request) return 1;
  if ('hears' in request) return 2;
  if (!('sql' in request)) return 1;
  const { sql } = request;
  if (sql.startsWith('listen')) return 1;
  if (/^(set (?!constraints)|select set_config\()/.test(sql)) return 0;
  const begins = /^(begin|start transaction)/.test(sql);
  if (begins && fuseBegin && next !== undefined) return 0;
  return phases && /^(insert|update|delete)|; update|grab/.test(sql) ? 2 : 1;
}

function factorial(n: number): number {
  return n <= 1 ? 1 : n * factorial(n - 1);
}
