import { explain } from '../explore/explain/explain.ts';
import { explore } from '../explore/explore.ts';
import type { Exploration } from '../explore/result.ts';
import type { Subject } from '../explore/run/stage.ts';
import { putKeys } from './redis-keys.ts';
import type { Finding, JudgedKind, ScanOptions, ScanSubject } from './subject.ts';

/**
 * Explores one subject with the serial oracle, and sorts what it finds. Never rejects for what the
 * callers do: what cannot be judged is a finding of kind `not judged`.
 */
export async function confirm(scan: ScanSubject, options: ScanOptions): Promise<Finding> {
  const subject = exploredAs(scan);
  const hosts = scan.allowHosts === undefined ? {} : { allowHosts: scan.allowHosts };
  return findingOf(scan, await explore(subject, { ...hosts, ...options }));
}

/** The same as a subject of the explorer. */
export function exploredAs({ start, callers, ignore, audit }: ScanSubject): Subject {
  const { template, setup = '', redis = [] } = start;
  return {
    setup,
    actors: Object.fromEntries(callers.map(({ name, ...actor }) => [name, actor])),
    judge: 'serial',
    ...(template === undefined ? {} : { template }),
    ...(redis.length === 0
      ? {}
      : { prepare: (_pgUrl: string, redisUrls: readonly string[]) => putKeys(redisUrls, redis) }),
    ...(ignore === undefined ? {} : { ignore }),
    ...(audit === undefined ? {} : { audit }),
  };
}

/** What is wrong for certain, the gravest first. */
const wrong = [
  'effects differ',
  'never ends',
  'only answers differ',
  'only an error that asks for a retry',
] as const satisfies readonly JudgedKind[];

function findingOf({ title, callers }: ScanSubject, exploration: Exploration): Finding {
  const { serial, outcome, counterexample } = exploration;
  const orders = serial?.orders ?? none;
  const found = wrong.find(kind => orders[kind] > 0);
  const names = callers.map(({ name }) => name);
  const about = { title, callers: names, masked: serial?.masked ?? [], orders, exploration };
  if (found === undefined) {
    const violates = counterexample !== undefined; // by an audit, which is used besides
    const right = outcome === 'safe' || outcome === 'independent';
    const kind = violates ? 'effects differ' : right ? 'equals a serial order' : 'not judged';
    const { why } = exploration;
    const schedule = counterexample?.schedule;
    return { ...about, kind, why, anomaly: undefined, differences: [], schedule };
  }
  const order = serial?.shortest.get(found);
  const judgement = order?.record.judgement;
  const explained = order && explain(order.record, names);
  const words = explained === undefined ? [] : [explained.words];
  return {
    ...about,
    kind: found,
    why: [...words, judgement?.why ?? exploration.why].join('; '),
    anomaly: explained?.anomaly,
    differences: judgement?.differences ?? [],
    schedule: order?.schedule,
  };
}

const none: Finding['orders'] = {
  'effects differ': 0,
  'never ends': 0,
  'only answers differ': 0,
  'only an error that asks for a retry': 0,
  'not judged': 0,
  'equals a serial order': 0,
};
