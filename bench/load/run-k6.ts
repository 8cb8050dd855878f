/** Runs k6 for one cell. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Exit, K6, Keeper } from '../../src/services/index.ts';
import { type Target, waitMs } from '../lab/target.ts';
import type { BenchOptions } from './options.ts';
import type { PlannedCell } from './plan.ts';
import { type K6Summary, k6Summary } from './schema.ts';

/** k6's own codes (errext/exitcodes). */
export const k6Exit = { thresholds: 99, aborted: 108, scriptError: 107, interrupted: 105 } as const;

export interface K6Run {
  readonly exit: Exit;
  /** Undefined if k6 exited without a summary. */
  readonly summary: K6Summary | undefined;
}

export interface K6Order {
  readonly keeper: Keeper;
  readonly k6: K6;
  readonly target: Target;
  readonly cell: PlannedCell;
  readonly options: BenchOptions;
  /** Called with the process id as soon as k6 has started. */
  readonly started: (pid: number) => void;
  readonly signal: AbortSignal;
}

/** It lies beside the sources; k6 compiles it. */
const script = fileURLToPath(new URL('./k6/scenario.ts', import.meta.url));
const cellMaxMs = 60 * 60_000;

/** Runs k6 to its end, without its HTTP server (`--address ""`), so that the next cell can start at once. */
export async function runK6(order: K6Order): Promise<K6Run> {
  const { keeper, k6, target, signal } = order;
  const folder = await keeper.folder(); // it goes with the keeper, however this process ends
  const file = join(folder, 'summary.json');
  const pairs = Object.entries(scriptVariables(order, file)).flatMap(([name, value]) => [
    '-e',
    `${name}=${value}`,
  ]);
  const quiet = ['--quiet', '--no-color', '--no-usage-report', '--address', ''];
  const child = await keeper.start({
    name: 'k6',
    role: 'client',
    command: k6.command,
    args: ['run', ...quiet, ...pairs, script],
    // in the environment, so that the token does not show in process lists
    env: { HOME: folder, K6_NO_USAGE_REPORT: 'true', ...tokenOf(target) },
  });
  const stop = (): void => void child.stop().catch(() => {}); // if the keeper is gone, so is k6
  const overdue = setTimeout(stop, cellMaxMs);
  signal.addEventListener('abort', stop, { once: true });
  try {
    order.started(child.pid);
    const exit = await child.exited;
    return { exit, summary: await summaryIn(file) };
  } finally {
    clearTimeout(overdue);
    signal.removeEventListener('abort', stop);
    await keeper.remove(folder).catch(() => {}); // a keeper that is gone has removed it
  }
}

/** k6 passes its environment to scripts unless told otherwise. */
function tokenOf({ adminToken }: Target): Record<string, string> {
  return adminToken === undefined
    ? {}
    : { ADMIN_TOKEN: adminToken, K6_INCLUDE_SYSTEM_ENV_VARS: 'true' };
}

/** The variables of the script for a cell; `file` is where it writes its summary. */
export function scriptVariables(
  {
    target,
    cell,
    options,
  }: Pick<K6Order, 'cell' | 'options'> & {
    readonly target: Pick<Target, 'url' | 'processUrls' | 'leaseMs'>;
  },
  file: string,
): Record<string, string> {
  const { plan } = cell;
  const open = plan.workload !== 'burst' && plan.workload !== 'closed';
  return {
    SCENARIO: plan.scenario,
    BASE_URL: target.url,
    PROCESS_URLS: target.processUrls.join(','),
    STRATEGY: plan.strategy,
    WORKLOAD: plan.workload,
    RUN: cell.id,
    SPREAD: plan.spread,
    KEYS: String(plan.keys),
    COMMANDS_PER_KEY: String(plan.commandsPerKey),
    RATE: String(options.rate),
    VUS: String(plan.vus),
    ITERATIONS: String(options.iterations),
    WARM_UP_SECONDS: String(options.warmUp),
    BYSTANDERS: open ? String(options.bystanders) : '0',
    TIMEOUT_SECONDS: String(Math.ceil(waitMs / 1_000) + 1),
    LEASE_SECONDS: String(target.leaseMs / 1_000),
    P95_MS: '120000', // a slow strategy is a result here, not a failure
    SEED: String(options.seed + cell.repetition),
    SUMMARY: file,
    ...(options.duration !== undefined && { DURATION_SECONDS: String(options.duration) }),
  };
}

async function summaryIn(file: string): Promise<K6Summary | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : k6Summary.parse(JSON.parse(text));
}
