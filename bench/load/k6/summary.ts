/** What a run saw: one JSON object for whoever goes on with it, and a few lines for a person. */
import { askedMax } from './ask-again.ts';
import { latencyText } from './latency-text.ts';
import { counters, trends } from './measures.ts';
import { droppedName, type Phases } from './phases.ts';
import type { Settings } from './settings.ts';
import type { Arrivals } from './workloads.ts';

/** The part of k6's data that is read here. */
export interface SummaryData {
  readonly state: { readonly testRunDurationMs: number };
  readonly setup_data?: { readonly served?: { readonly strategy?: string } };
  readonly metrics: Readonly<
    Record<
      string,
      {
        readonly values: Readonly<Record<string, number>>;
        readonly thresholds?: Readonly<Record<string, { readonly ok: boolean }>>;
      }
    >
  >;
}

/** Milliseconds. */
export interface Points {
  readonly count: number;
  readonly mean: number;
  readonly min: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

export interface Summary {
  readonly format: 'lockstep k6';
  readonly version: 1;
  readonly scenario: string;
  /** The one that served. */
  readonly strategy: string;
  readonly workload: string;
  readonly model: Arrivals['model'];
  readonly spread: string;
  readonly seed: number;
  readonly seconds: number;
  /** When the load began and how long until its last answer; milliseconds, the first since 1970. */
  readonly startedAtMs: number;
  readonly lastAnswerMs: number;
  /** Commands that were due, whether they could be sent or not. */
  readonly offered: number;
  readonly dropped: number;
  readonly counts: Readonly<Record<string, number>>;
  /** Null where there was no sample. */
  readonly trends: Readonly<Record<string, Points | null>>;
  /** Jain's index of the callers' rates, closed model only. */
  readonly jain: number | null;
  /** False where nobody has judged the rows, or not every contested key (of a sample) was asked again. */
  readonly audited: boolean;
  /** How many thresholds held. */
  readonly held: number;
  /** The thresholds that did not. */
  readonly broken: readonly string[];
}

export interface SummaryContext {
  readonly settings: Settings;
  readonly story: { readonly scenario: string };
  readonly arrivals: Arrivals;
  readonly phases: Phases;
}

export function summarized(data: SummaryData, context: SummaryContext): Summary {
  const { settings, story, arrivals, phases } = context;
  const count = (name: string): number => data.metrics[name]?.values.count ?? 0;
  const counts = Object.fromEntries(Object.keys(counters).map(name => [name, count(name)]));
  const points = Object.fromEntries(Object.keys(trends).map(name => [name, pointsOf(data, name)]));
  const dropped = count(droppedName);
  const lastMs = points.answered_at_ms?.max ?? 0;
  const sent = count('answered') + count('unknown');
  const callers = count('fairness_callers');
  const even = callers * count('fairness_squares');
  return {
    format: 'lockstep k6',
    version: 1,
    scenario: story.scenario,
    strategy: data.setup_data?.served?.strategy ?? '',
    workload: settings.workload,
    model: arrivals.model,
    spread: settings.spread,
    seed: settings.seed,
    seconds: arrivals.model === 'open' ? arrivals.seconds : lastMs / 1_000,
    startedAtMs: data.metrics.load_started_at_ms?.values.value ?? 0,
    lastAnswerMs: lastMs,
    offered: sent + dropped,
    dropped,
    counts,
    trends: points,
    jain: arrivals.model !== 'open' && even > 0 ? count('fairness_sum') ** 2 / even : null,
    audited:
      count('keys_audited') > 0 &&
      count('callers_audited') === phases.callers &&
      count('unsettled_audits') === 0 &&
      count('acknowledgements_audited') >= count('accepted') &&
      count('keys_asked') >= Math.min(askedMax, count('keys_contested')) &&
      count('keys_unanswered') === 0,
    held: thresholdsIn(data).filter(({ ok }) => ok).length,
    broken: thresholdsIn(data)
      .filter(({ ok }) => !ok)
      .map(({ name }) => name),
  };
}

function pointsOf({ metrics }: SummaryData, name: string): Points | null {
  const values = metrics[name]?.values;
  if (!values || !(Number(values.count) > 0)) return null;
  const of = (key: string): number => values[key] ?? 0;
  return {
    count: of('count'),
    mean: of('avg'),
    min: of('min'),
    p50: of('p(50)'),
    p95: of('p(95)'),
    p99: of('p(99)'),
    p999: of('p(99.9)'),
    max: of('max'),
  };
}

function thresholdsIn({ metrics }: SummaryData): { readonly name: string; readonly ok: boolean }[] {
  return Object.entries(metrics).flatMap(([metric, { thresholds = {} }]) =>
    Object.entries(thresholds).map(([expression, { ok }]) => ({
      name: `${metric}: ${expression}`,
      ok,
    })),
  );
}

export function summaryText(made: Summary): string {
  const { counts, trends: points, seconds } = made;
  const n = (name: string): number => counts[name] ?? 0;
  const latency = (name: string, label: string): string[] => {
    const at = points[name];
    return at ? [latencyText(label, at)] : [];
  };
  const per = (count: number): string => (seconds > 0 ? (count / seconds).toFixed(1) : '?');
  const lines = [
    `${made.scenario} under ${made.strategy || '?'}: ${made.workload}, ${made.model}, keys ${made.spread}, seed ${made.seed}`,
    `offered      ${per(made.offered)}/s, answered ${per(n('answered'))}/s, dropped ${made.dropped}`,
    `outcomes     ${['accepted', 'refused', 'busy', 'failed', 'unknown'].map(name => `${name} ${n(name)}`).join(', ')}`,
    ...latency('accepted_ms', 'accepted'),
    ...latency('refused_ms', 'refused'),
    ...latency('bystander_quiet_ms', 'bystanders'),
    ...latency('bystander_beside_load_ms', '... beside'),
    made.audited
      ? `audit        ${n('keys_audited')} keys and ${n('acknowledgements_audited')} acknowledgements: ` +
        `${n('duplicates')} duplicates, ${n('lost_updates')} lost updates, ` +
        `${n('lost_acknowledgements')} lost acknowledgements, ${n('false_refusals')} false refusals, ` +
        `${n('inconsistencies')} inconsistencies`
      : 'audit        not all was judged (is ADMIN_TOKEN set?): this run says nothing about safety',
    `asked again  ${n('keys_asked')} of ${n('keys_contested')} contested keys: ${n('keys_stuck')} stuck`,
    `thresholds   ${made.held} held${made.broken.length > 0 ? `, ${made.broken.length} did not:` : ''}`,
    ...made.broken.map(what => `           ✗ ${what}`),
  ];
  return `\n${lines.join('\n')}\n\n`;
}
