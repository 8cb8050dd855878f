/** Who is struck by one injection, and what they have in common. */
import type { Load } from '../../src/contract/index.ts';
import type { RegisteredScenario, RegisteredStrategy } from '../../src/engine/registry.ts';
import { Callers } from './callers.ts';
import type { NamedFault, Times } from './fault.ts';
import type { Phase } from './phases.ts';
import type { Rig } from './rig.ts';

const answerGraceMs = 5_000;

/** A strategy that is struck, and where. */
export interface Member {
  readonly phase: Phase;
  readonly strategy: RegisteredStrategy;
  /** It is the control that lacks the defence. */
  readonly undefended: boolean;
}

/** What is common to everybody who shares an injection. */
export interface GroupPlan {
  readonly fault: NamedFault;
  readonly members: readonly Member[];
  readonly scenario: RegisteredScenario;
  readonly variant: string;
  readonly seed: number;
  readonly times: Times;
}

/** When the fault struck and was healed, on the clock of `performance.now()`. */
export interface StruckAt {
  readonly injectedMs: number;
  readonly healedMs: number;
  readonly endedMs: number;
}

/** The clients of one of them. */
export function callersOf(
  rig: Rig,
  plan: GroupPlan,
  { strategy }: Member,
  signal: AbortSignal,
): Callers {
  const { scenario, variant, times } = plan;
  const { processUrls } = rig;
  return new Callers({
    scenario: scenario.name,
    processes: processUrls.length,
    to: {
      processUrls,
      strategy: strategy.name,
      variant,
      timeoutMs: times.waitMs + answerGraceMs,
      signal,
    },
  });
}

export function loadOf({ scenario, variant }: GroupPlan): Load {
  return scenario.registered.variants[variant]?.load ?? scenario.registered.load;
}
