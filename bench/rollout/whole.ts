/** A whole rollout under load, as Prometheus saw it; and one that a planted hazard sends back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadRegistry } from '../../src/engine/registry.ts';
import type { LoadTold } from './burst-load.ts';
import { Prometheus, type RangeResult } from './prometheus.ts';
import { openRig, type Rig, type RigOptions, type State, scenario } from './rig.ts';
import { type Series, type Timeline, timelineSvg } from './timeline-svg.ts';

export interface Seen {
  readonly ended: State;
  readonly told: LoadTold;
  /** Excess that the scenario's audit finds over all rows when all is over. */
  readonly violations: number;
  /** Accepted commands whose effect is not in the database. */
  readonly lost: number;
}

export interface WholeRun extends Seen {
  readonly queries: Readonly<
    Record<string, { readonly query: string; readonly result: RangeResult }>
  >;
  readonly svg: string;
}

const rate = '[10s]';

/** What the timeline is drawn from, by name. */
export const queries = {
  weight: 'max(lockstep_rollout_weight)',
  shadow: 'max(lockstep_rollout_shadow)',
  throughput: `sum by (strategy) (rate(lockstep_commands_total{outcome=~"accepted|refused"}${rate}))`,
  p99: `1000 * histogram_quantile(0.99, sum by (strategy, le) (rate(lockstep_command_duration_seconds_bucket{outcome=~"accepted|refused"}${rate})))`,
  gate: 'max by (verdict) (lockstep_rollout_verdict)',
} as const;

const load = { burst: 3, burstsPerSecond: 25 } as const;
const from = 'row-lock';
const beforeMs = 10_000;
const limitMs = 600_000;

/** From row-lock to redis-lease, tried first, in four steps. */
export async function wholeRollout(
  options: RigOptions & { readonly prometheus: string; readonly random: () => number },
): Promise<WholeRun> {
  const rig = await openRig(options);
  const { prometheus: path, random } = options;
  const urls = rig.replicas.map(({ url }) => url);
  const watcher = await Prometheus.start(path, rig.services.keeper, urls);
  try {
    const fromMs = Date.now();
    const { done: ended, told } = await rig.loaded(
      async () => {
        await sleep(beforeMs);
        const pause = { pause: { seconds: 15 } };
        const weights = [5, 25, 60, 100].flatMap(setWeight => [{ setWeight }, pause]);
        const steps = [{ setShadow: 20 }, pause, ...weights];
        const gate = { contestedKeys: 10, slower: 20, busy: 0.05, failed: 0.05, unknown: 0.05 };
        await rig.act('PUT', '', { from, to: 'redis-lease', steps, gate });
        const over = await rig.until(['healthy', 'aborted'], limitMs);
        await sleep(beforeMs);
        return over;
      },
      { ...load, random },
    );
    const untilMs = Date.now();
    const answers = await Promise.all(
      Object.entries(queries).map(async ([name, query]) => {
        return [name, { query, result: await watcher.range(query, fromMs, untilMs) }] as const;
      }),
    );
    const results = Object.fromEntries(answers);
    return {
      ...(await seen(rig, ended, told)),
      queries: results,
      svg: timelineSvg(timelineOf(results)),
    };
  } finally {
    await watcher.stop();
    await rig.close();
  }
}

export interface Rollback extends Seen {
  /** From the first violation that a look every 100 ms found until the last group was back. */
  readonly secondsBack: number;
  readonly secondsToFound: number;
  readonly violationsUntilBack: number;
}

/** To a hazard that gives its lock back before COMMIT; in a lab. */
export async function plantedHazard(
  options: RigOptions & { readonly hazard: string; readonly random: () => number },
): Promise<Rollback> {
  const rig = await openRig(options);
  const { hazard, random } = options;
  try {
    const { done, told } = await rig.loaded(
      async () => {
        const looking = new AbortController();
        const first = firstViolation(rig, looking.signal);
        first.catch(() => {}); // told below, unless something else has failed before
        const gate = { slower: 1_000, busy: 1, failed: 1, unknown: 1 };
        const steps = [{ setWeight: 50 }, { pause: {} }];
        const ended = await rig
          .act('PUT', '', { from, to: hazard, steps, lab: true, gate })
          .then(() => rig.until(['aborted'], limitMs))
          .finally(() => looking.abort());
        return { ended, firstMs: await first, backMs: await lastBackMs(rig) };
      },
      { ...load, burst: 6, random },
    );
    const { ended, firstMs, backMs } = done;
    if (firstMs === undefined) throw new Error('no violation was seen: this says nothing');
    const foundMs = await foundAtMs(rig);
    const after = await seen(rig, ended, told);
    return {
      ...after,
      secondsBack: (backMs - firstMs) / 1_000,
      secondsToFound: (foundMs - firstMs) / 1_000,
      violationsUntilBack: after.violations,
    };
  } finally {
    await rig.close();
  }
}

async function seen(rig: Rig, ended: State, told: LoadTold): Promise<Seen> {
  const { rows } = await rig.client.query<{ count: string }>(
    'select count(*) from gift_card_debits where command_id = any ($1::uuid[])',
    [told.accepted],
  );
  const lost = told.accepted.length - Number(rows[0]?.count);
  return { ended, told, violations: await excess(rig), lost };
}

const { scenarios } = await loadRegistry([]);
const { auditSql = '' } = scenarios.get(scenario) ?? {};

/** Over all cards. */
async function excess({ client }: Rig): Promise<number> {
  const { rows: keys } = await client.query<{ id: string }>('select id::text from gift_cards');
  const { rows } = await client.query<{ excess: number }>(auditSql, [
    ...[keys.map(({ id }) => id), [], [], []],
  ]);
  return rows.reduce((sum, row) => sum + Number(row.excess), 0);
}

const lookEveryMs = 100;

async function firstViolation(rig: Rig, signal: AbortSignal): Promise<number | undefined> {
  while (!signal.aborted) {
    if ((await excess(rig)) > 0) return Date.now();
    await sleep(lookEveryMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

/** When the last group that had been away came back. */
async function lastBackMs({ client }: Rig): Promise<number> {
  const { rows } = await client.query<{ at: Date; away: string }>(
    'select max(changed_at) as at, count(*) filter (where strategy <> $1) as away from lockstep_assignments',
    [from],
  );
  if (rows[0]?.away !== '0') throw new Error('some groups are not back');
  return rows[0].at.getTime();
}

async function foundAtMs({ client }: Rig): Promise<number> {
  const { rows } = await client.query<{ at: Date }>(
    'select min(found_at) as at from lockstep_violations',
  );
  return rows[0]?.at.getTime() ?? Number.NaN;
}

function timelineOf(results: WholeRun['queries']): Timeline {
  const series = (name: keyof typeof queries, label?: string): Series[] =>
    (results[name]?.result ?? []).map(({ metric, values }) => ({
      name: (label && metric[label]) ?? name,
      points: values.map(([at, value]) => [at, Number(value)] as const),
    }));
  return {
    share: [...series('weight'), ...series('shadow')],
    throughput: series('throughput', 'strategy'),
    p99: series('p99', 'strategy'),
    gate: series('gate', 'verdict'),
  };
}
