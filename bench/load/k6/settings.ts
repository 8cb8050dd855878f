/** What `k6 run -e NAME=value` may say. A wrong value ends the run before anything was sent. */
import type { Spread } from './targets.ts';

export interface Settings {
  /** Where commands are sent, in turn: the single processes of the service where they are known. */
  readonly urls: readonly string[];
  /** Undefined: whichever strategy the service runs. */
  readonly strategy: string | undefined;
  readonly variant: string | undefined;
  /** Keys move from strategy to strategy meanwhile: an answer may name any. */
  readonly rollout: boolean;
  readonly workload: string;
  /** Of the cell in a matrix; a tag of every sample. */
  readonly run: string;
  readonly spread: Spread;
  readonly keys: number;
  readonly commandsPerKey: number;
  /** Commands per second that `average` offers; the other open workloads are multiples of it. */
  readonly ratePerSecond: number;
  /** Undefined: what the workload says. */
  readonly durationSeconds: number | undefined;
  readonly warmUpSeconds: number;
  readonly vus: number;
  /** Commands of each virtual user in the closed workloads. */
  readonly iterations: number;
  /** Commands per second on keys that nobody else wants, before and during the load; 0 for none. */
  readonly bystandersPerSecond: number;
  /** How long a command may take before it counts as unanswered. */
  readonly timeoutSeconds: number;
  /** The longest lease of the service: how long after the load a key may still be busy. */
  readonly leaseSeconds: number;
  readonly p95Ms: number;
  /** Undefined: nobody judges the rows, and the run says so. */
  readonly adminToken: string | undefined;
  readonly seed: number;
  /** A file for what the run saw, as JSON. */
  readonly summaryFile: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

const spreads: readonly Spread[] = ['hot', 'zipf', 'uniform'];

/** Reads the variables. Throws one error that names every one that is wrong. */
export function readSettings(environment: Environment): Settings {
  const problems: string[] = [];
  const text = (name: string): string | undefined => environment[name] || undefined;
  const number = (name: string, usual: number, min: number, max: number): number => {
    const value = Number(text(name) ?? usual);
    if (value >= min && value <= max) return value;
    problems.push(`${name} is '${environment[name]}'; write a number from ${min} to ${max}`);
    return usual;
  };
  const urls = urlsOf(text('PROCESS_URLS') ?? text('BASE_URL'));
  if (urls.length === 0)
    problems.push(
      'BASE_URL is not set to http://host:port; write -e BASE_URL=http://127.0.0.1:3000',
    );
  const spread = spreads.find(one => one === (text('SPREAD') ?? 'hot'));
  if (!spread)
    problems.push(`SPREAD is '${environment.SPREAD}'; write one of ${spreads.join(', ')}`);
  const duration = text('DURATION_SECONDS');
  const settings: Settings = {
    urls,
    strategy: text('STRATEGY'),
    variant: text('VARIANT'),
    rollout: text('ROLLOUT') === '1',
    workload: text('WORKLOAD') ?? 'smoke',
    run: text('RUN') ?? 'alone',
    spread: spread ?? 'hot',
    keys: number('KEYS', 1_000, 1, 100_000),
    commandsPerKey: number('COMMANDS_PER_KEY', 8, 1, 400),
    ratePerSecond: number('RATE', 100, 1, 100_000),
    durationSeconds: duration === undefined ? undefined : number('DURATION_SECONDS', 1, 1, 86_400),
    warmUpSeconds: number('WARM_UP_SECONDS', 3, 0, 600),
    vus: number('VUS', 50, 1, 400),
    iterations: number('ITERATIONS', 20, 1, 100_000),
    bystandersPerSecond: number('BYSTANDERS', 0, 0, 10_000),
    timeoutSeconds: number('TIMEOUT_SECONDS', 10, 1, 120),
    leaseSeconds: number('LEASE_SECONDS', 10, 0, 600),
    p95Ms: number('P95_MS', 1_000, 1, 120_000),
    adminToken: text('ADMIN_TOKEN'),
    seed: number('SEED', 1, 0, 999_999_999),
    summaryFile: text('SUMMARY'),
  };
  if (problems.length > 0) throw new Error(problems.join('; '));
  return settings;
}

function urlsOf(list: string | undefined): readonly string[] {
  const urls = (list ?? '').split(',').map(url => url.trim().replace(/\/+$/, ''));
  return urls.every(url => /^https?:\/\/[^/]+/.test(url)) ? urls : [];
}
