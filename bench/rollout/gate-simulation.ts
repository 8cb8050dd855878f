/** How often the gate of a rollout errs, by simulation of the code that runs in the service. */
import type { Arm, ArmCounts } from '../../src/rollout/gate/arms.ts';
import { stepCount, stepOf } from '../../src/rollout/gate/durations.ts';
import { boundOf } from '../../src/rollout/gate/exposure.ts';
import { gateShape } from '../../src/rollout/gate/settings.ts';
import {
  comparedWith,
  eValueMax,
  eValueOfAll,
  nothingCompared,
} from '../../src/rollout/gate/verdict.ts';

/** What commands of an arm are like. */
export interface ArmTruth {
  /** The median of a lognormal duration. */
  readonly medianMs: number;
  readonly busy: number;
  readonly failed: number;
}

export interface Traffic {
  readonly old: ArmTruth;
  readonly new: ArmTruth;
  readonly looks: number;
  /** Commands between two looks. */
  readonly perLook: { readonly old: number; readonly new: number };
  /** Of the logarithm of a duration: 0.5 is a 95th percentile of 2.3 medians. */
  readonly spread: number;
}

/** At which look each way of looking called the new arm worse; undefined: at none. */
export interface Called {
  readonly gate: number | undefined;
  /** A test of two proportions at 5 %, asked anew at each look: of durations above the median. */
  readonly naive: number | undefined;
}

export function simulate(traffic: Traffic, random: () => number): Called {
  const arms = new Map<Arm, ArmCounts>([
    ['old', noCounts('old')],
    ['new', noCounts('new')],
  ]);
  const settings = gateShape.parse({});
  const threshold = traffic.old.medianMs;
  const above = { old: 0, new: 0 };
  let compared = nothingCompared;
  let gate: number | undefined;
  let naive: number | undefined;
  for (
    let look = 1;
    look <= traffic.looks && (gate === undefined || naive === undefined);
    look += 1
  ) {
    for (const arm of ['old', 'new'] as const) {
      const { counts, slow } = more(
        arms.get(arm) ?? noCounts(arm),
        traffic,
        arm,
        threshold,
        random,
      );
      arms.set(arm, counts);
      above[arm] += slow;
    }
    compared = comparedWith(compared, arms, settings);
    if (gate === undefined && eValueOfAll(compared) >= eValueMax) gate = look;
    const [n, m] = [look * traffic.perLook.old, look * traffic.perLook.new];
    if (naive === undefined && Math.abs(zOf(above.old, n, above.new, m)) > 1.96) naive = look;
  }
  return { gate, naive };
}

/** Whether the bound was below the true share at any look, in a run up to the first violation. */
export function boundMissed(share: number, keysMax: number, random: () => number): boolean {
  for (let clean = 1; clean <= keysMax; clean += 1) {
    if (random() < share) return false;
    if (boundOf(clean) < share) return true;
  }
  return false;
}

function noCounts(arm: Arm): ArmCounts {
  const durations = Array.from({ length: stepCount }, () => 0);
  return {
    ...{ arm, commands: 0, drawn: 0, busy: 0, failed: 0, unknown: 0, durations },
    ...{ contested: 0, audited: 0, clean: 0, tries: {} },
  };
}

function more(
  before: ArmCounts,
  { perLook, spread, ...truths }: Traffic,
  arm: 'old' | 'new',
  thresholdMs: number,
  random: () => number,
): { readonly counts: ArmCounts; readonly slow: number } {
  const { medianMs, busy, failed } = truths[arm];
  const durations = [...before.durations];
  const ends = { busy: before.busy, failed: before.failed };
  let slow = 0;
  for (let command = 0; command < perLook[arm]; command += 1) {
    const end = random();
    const ms = medianMs * Math.exp(spread * normal(random));
    if (ms > thresholdMs) slow += 1;
    if (end < busy) ends.busy += 1;
    else if (end < busy + failed) ends.failed += 1;
    else durations[stepOf(ms / 1_000)] = (durations[stepOf(ms / 1_000)] ?? 0) + 1;
  }
  const drawn = before.drawn + perLook[arm];
  return { counts: { ...before, ...ends, durations, drawn, commands: drawn }, slow };
}

/** https://en.wikipedia.org/wiki/Box–Muller_transform */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

function zOf(a: number, n: number, b: number, m: number): number {
  const mean = (a + b) / (n + m);
  const deviation = Math.sqrt(mean * (1 - mean) * (1 / n + 1 / m));
  return deviation === 0 ? 0 : (b / m - a / n) / deviation;
}
