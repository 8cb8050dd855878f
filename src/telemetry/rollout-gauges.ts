import { labels } from './labels.ts';
import type { Meter } from './prometheus.ts';

/** What is shown of a rollout; see rollout/view.ts. */
interface Shown {
  readonly scenario: string;
  readonly variant: string;
  readonly weight: number;
  readonly shadow: number;
  readonly stage: string;
  readonly verdict: string;
  readonly epochs: number;
  readonly blocked: number;
  readonly arms: readonly {
    readonly arm: string;
    readonly contested: number;
    readonly audited: number;
    readonly clean: number;
    readonly tries: Readonly<Record<string, number>>;
  }[];
}

/** Sets the gauges of rollouts. Their series are bounded by the variants there are. */
export function showRollouts(meter: Meter, rollouts: readonly Shown[], behind: number): void {
  meter.set('lockstep_rollout_processes_behind', {}, behind);
  for (const { scenario, variant, arms, ...shown } of rollouts) {
    const place = { scenario, variant };
    meter.set('lockstep_rollout_weight', place, shown.weight);
    meter.set('lockstep_rollout_shadow', place, shown.shadow);
    meter.set('lockstep_rollout_epoch', place, shown.epochs);
    meter.set('lockstep_rollout_blocked_groups', place, shown.blocked);
    for (const stage of labels.stage.values)
      meter.set('lockstep_rollout_stage', { ...place, stage }, Number(stage === shown.stage));
    for (const verdict of labels.verdict.values)
      meter.set(
        'lockstep_rollout_verdict',
        { ...place, verdict },
        Number(verdict === shown.verdict),
      );
    for (const arm of labels.arm.values) {
      const counts = arms.find(one => one.arm === arm);
      const of = { ...place, arm };
      meter.set('lockstep_rollout_contested_keys', of, counts?.contested ?? 0);
      meter.set('lockstep_rollout_audited_keys', of, counts?.audited ?? 0);
      meter.set('lockstep_rollout_clean_keys', of, counts?.clean ?? 0);
      for (const [tried, count] of Object.entries(counts?.tries ?? {}))
        meter.set('lockstep_rollout_tries', { ...place, tried }, count);
    }
  }
}
