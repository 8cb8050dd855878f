import type { ServerUrls } from '../../../src/explore/run/stage.ts';
import { type Compared, compareSearches } from './compare.ts';
import type { Limits } from './outcomes.ts';
import type { Program } from './program.ts';

/** Shrinks a program while it still loses an outcome, for at most `shrinkSeconds`. */
export async function shrunk(
  found: Compared,
  servers: ServerUrls,
  limits: Limits & { readonly shrinkSeconds: number },
): Promise<Compared> {
  const untilMs = performance.now() + limits.shrinkSeconds * 1000;
  let best = found;
  const tried = new Set<string>();
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of smallerOnes(best.program)) {
      if (performance.now() > untilMs) return best;
      const key = JSON.stringify(candidate);
      if (tried.has(key)) continue;
      tried.add(key);
      const compared = await compareSearches(candidate, servers, limits);
      if (compared.kind !== 'lost') continue;
      best = compared;
      smaller = true;
      break;
    }
  }
  return best;
}

function* smallerOnes(program: Program): Generator<Program> {
  const { callers, event, ...rest } = program;
  if (event !== undefined) yield { ...rest, callers };
  if (callers.length > 2) {
    for (const left of callers) yield { ...program, callers: callers.filter(one => one !== left) };
  }
  if (program.phases) yield { ...program, phases: false };
  if (!program.fuseBegin) yield { ...program, fuseBegin: true };
  for (const [at, caller] of callers.entries()) {
    for (const index of caller.steps.keys()) {
      const steps = caller.steps.filter((_, other) => other !== index);
      yield { ...program, callers: callers.with(at, { ...caller, steps }) };
    }
  }
  for (const [at, caller] of callers.entries()) {
    for (const [index, { request, when }] of caller.steps.entries()) {
      if (when === undefined) continue;
      const steps = caller.steps.with(index, { request });
      yield { ...program, callers: callers.with(at, { ...caller, steps }) };
    }
  }
}
