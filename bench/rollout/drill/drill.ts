/** Rollouts on real processes under load, while something befalls them. */
import { findK6, openServices, usualK6Places } from '../../../src/services/index.ts';
import type { Environment } from '../../lab/service.ts';
import { pointsOf } from '../../lab/statistics.ts';
import type { K6Summary } from '../../load/schema.ts';
import { Admin } from './admin.ts';
import { type DrillCase, drillCases } from './cases.ts';
import { brokenIn, type LoadPlan, runLoad } from './load.ts';
import { openReplicas } from './replicas.ts';
import { watchSwitches } from './switches.ts';

export interface DrillOptions extends LoadPlan {
  /** Names of cases, in any order; each leaves the keys where it found them, or the next begins there. */
  readonly cases: readonly string[];
  readonly pauseMs: number;
  readonly environment: Environment;
  readonly signal: AbortSignal;
  readonly report: (line: string) => void;
}

/** What one case came to. */
export interface DrillResult {
  readonly name: string;
  readonly title: string;
  readonly notes: readonly string[];
  /** What should not be; empty: it held. */
  readonly broken: readonly string[];
  readonly load: K6Summary;
  /** Milliseconds for which groups were closed while they changed hands. */
  readonly closedMs: readonly number[];
}

/** Runs the cases one after another, on servers of its own. Rejects where one cannot be brought about. */
export async function drill(options: DrillOptions): Promise<readonly DrillResult[]> {
  const { environment, signal, report, cases } = options;
  const services = await openServices({ redisNodeCount: 0, durable: true, report, signal });
  try {
    const k6 = await findK6(services.keeper, usualK6Places(environment), report);
    const replicas = await openReplicas({ ...options, services });
    try {
      const results: DrillResult[] = [];
      for (const one of drillCases.filter(({ name }) => cases.includes(name))) {
        report(`${one.name}: ${one.title}`);
        const parts = { replicas, admin: new Admin(replicas, signal) };
        results.push(await drilled(one, options, { ...parts, keeper: services.keeper, k6 }));
      }
      return results;
    } finally {
      await replicas.close();
    }
  } finally {
    await services.close();
  }
}

type Parts = Parameters<typeof runLoad>[0] & {
  readonly replicas: Parameters<typeof runLoad>[1];
  readonly admin: Admin;
};

/** The change begins when the load is under way. */
const beginMs = 2_500;

async function drilled(
  { name, title, faulty, run }: DrillCase,
  { signal, pauseMs, ...plan }: DrillOptions,
  parts: Parts,
): Promise<DrillResult> {
  const { replicas } = parts;
  const notes: string[] = [];
  const note = (line: string): void => void notes.push(line);
  const switches = await watchSwitches(replicas.databaseUrl, pauseMs);
  try {
    const loading = runLoad(parts, replicas, plan);
    loading.catch(() => {}); // told below
    await new Promise(resolve => setTimeout(resolve, beginMs));
    await run({ ...parts, signal, note });
    const load = await loading;
    const { busy = 0, failed = 0, unknown = 0 } = load.counts;
    const turnedAway = busy + failed + unknown;
    const refused = !faulty && turnedAway > 0 ? [`${turnedAway} commands were turned away`] : [];
    const broken = [...brokenIn(load), ...refused];
    return { name, title, notes, broken, load, closedMs: [...switches.closedMs] };
  } finally {
    await switches.stop();
  }
}

/** A table of all cases, as Markdown. */
export function drillTable(results: readonly DrillResult[]): string {
  const head = [
    '| case | commands | answered, ms: p50, p99, max | busy, failed, unknown | groups moved | closed, ms: p50, p99, max | violations, lost |',
    '|---|--:|--:|--:|--:|--:|---|',
  ];
  return `${[...head, ...results.map(rowOf)].join('\n')}\n`;
}

function rowOf({ title, notes, broken, load, closedMs }: DrillResult): string {
  const { counts, trends } = load;
  const answered = trends.answered_ms;
  const closed = pointsOf(closedMs);
  const ms = (value: number | undefined): string =>
    value === undefined ? '-' : value.toFixed(value < 10 ? 1 : 0);
  const found = broken.length === 0 ? '0, 0' : `**${broken.join('; ')}**`;
  const cells = [
    [title, ...notes].join('; '),
    load.offered,
    answered ? [answered.p50, answered.p99, answered.max].map(ms).join(', ') : '-',
    [counts.busy, counts.failed, counts.unknown].map(count => count ?? 0).join(', '),
    closedMs.length,
    closed ? [closed.p50, closed.p99, closed.max].map(ms).join(', ') : '-',
    load.audited ? found : `${found}; not everything was audited`,
  ];
  return `| ${cells.join(' | ')} |`;
}
