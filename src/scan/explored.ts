import { replay } from '../explore/explore.ts';
import { confirm, exploredAs } from './confirm.ts';
import type { Caller, Finding, ScanOptions, ScanSubject } from './subject.ts';
import { type WhatIfRow, whatIf } from './what-if/what-if.ts';

/**
 * Explores with services that stay from order to order. Where they do not do the same each time, or a
 * finding does not come again with services that were just started, every order gets its own.
 */
export async function explored(subject: ScanSubject, options: ScanOptions): Promise<Finding> {
  const beganMs = performance.now();
  const warm = withServices(subject, true);
  const found = await confirm(warm, options);
  const doubt = await doubtOf(found, warm, options);
  if (doubt === undefined || options.signal?.aborted) return found;
  const leftSeconds = (options.secondsMax ?? 3600) - (performance.now() - beganMs) / 1_000;
  if (leftSeconds <= 0) return { ...found, kind: 'not judged', why: `${doubt}; no time was left` };
  const cold = await confirm(withServices(subject, false), { ...options, secondsMax: leftSeconds });
  return { ...cold, why: `${cold.why} (services were started for each order, since ${doubt})` };
}

/** What the same callers come to under each cure. */
export async function cured(
  subject: ScanSubject,
  options: ScanOptions,
): Promise<readonly WhatIfRow[]> {
  const hosts = subject.allowHosts === undefined ? {} : { allowHosts: subject.allowHosts };
  const { rows } = await whatIf(exploredAs(withServices(subject, true)), { ...hosts, ...options });
  return rows;
}

function withServices(subject: ScanSubject, warm: boolean): ScanSubject {
  return { ...subject, callers: subject.callers.map((one): Caller => ({ ...one, warm })) };
}

/** Why what warm services came to is not the answer. */
async function doubtOf(
  found: Finding,
  subject: ScanSubject,
  options: ScanOptions,
): Promise<string | undefined> {
  const { kind, schedule, exploration } = found;
  if (kind === 'equals a serial order') return undefined;
  if (kind === 'not judged') {
    return exploration.outcome === 'budget-stopped' ? undefined : `warm ones: ${found.why}`;
  }
  if (schedule === undefined) return undefined;
  try {
    const [again] = await replay(exploredAs(subject), schedule, options);
    const same = again?.judgement?.kind === kind;
    return same ? undefined : 'the finding did not come again with services that were just started';
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return `the finding could not be repeated: ${why}`;
  }
}
