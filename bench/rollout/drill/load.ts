/** k6 beside a drill: commands to all processes, and the audit of what they were told. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { K6, Keeper } from '../../../src/services/index.ts';
import { type K6Summary, k6Summary } from '../../load/schema.ts';
import type { Replicas } from './replicas.ts';

export interface LoadPlan {
  readonly seconds: number;
  /** Commands per second. */
  readonly rate: number;
}

/** It lies beside the sources; k6 compiles it. */
const script = fileURLToPath(new URL('../../load/k6/scenario.ts', import.meta.url));
/** The service's own limit, and a little. */
const timeoutSeconds = 7;
const leaseSeconds = 10;

/** Debits of gift cards for so long. Resolves when all is audited; rejects if k6 says nothing. */
export async function runLoad(
  { keeper, k6 }: { readonly keeper: Keeper; readonly k6: K6 },
  { urls, adminToken }: Replicas,
  { seconds, rate }: LoadPlan,
): Promise<K6Summary> {
  const folder = await keeper.folder();
  const file = join(folder, 'summary.json');
  const variables = {
    ...{ SCENARIO: 'gift-card', PROCESS_URLS: urls.join(','), ROLLOUT: '1', WORKLOAD: 'average' },
    ...{ SPREAD: 'zipf', KEYS: '400', COMMANDS_PER_KEY: '8', VUS: '60', P95_MS: '120000' },
    ...{ RATE: String(rate), DURATION_SECONDS: String(seconds), WARM_UP_SECONDS: '0' },
    ...{ TIMEOUT_SECONDS: String(timeoutSeconds), LEASE_SECONDS: String(leaseSeconds) },
    SUMMARY: file,
  };
  const pairs = Object.entries(variables).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
  const quiet = ['--quiet', '--no-color', '--no-usage-report', '--address', ''];
  const child = await keeper.start({
    name: 'k6',
    role: 'client',
    command: k6.command,
    args: ['run', ...quiet, ...pairs, script],
    env: {
      ...{ HOME: folder, K6_NO_USAGE_REPORT: 'true', K6_INCLUDE_SYSTEM_ENV_VARS: 'true' },
      ADMIN_TOKEN: adminToken,
    },
  });
  const exit = await child.exited;
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`k6 ended without a summary (code ${exit.code}): ${exit.tail}`);
  });
  await keeper.remove(folder).catch(() => {}); // a keeper that is gone has removed it
  return k6Summary.parse(JSON.parse(text));
}

/** What must not be, of one load. Empty: nothing was found; whether all was looked at, `audited` says. */
export function brokenIn({ counts }: K6Summary): readonly string[] {
  const never = ['keys_violated', 'duplicates', 'lost_updates', 'inconsistencies', 'keys_stuck'];
  return [...never, 'lost_acknowledgements', 'false_refusals'].flatMap(name =>
    (counts[name] ?? 0) > 0 ? [`${name.replaceAll('_', ' ')}: ${counts[name]}`] : [],
  );
}
