/** What it takes to adopt a strategy, and how to roll it out, from its declared facts. Pure. */
import type { Facts, StrategyFacts } from './evidence.ts';

const migrations: Readonly<Record<string, string>> = {
  none: 'No migration.',
  column: 'A column with a default: it comes first, then the code that compares it.',
  'rows beforehand':
    'Rows written beforehand: from now on with each parent, and once for the parents that exist.',
  'constraint over existing rows':
    'A constraint over rows that exist: find the duplicates, settle them, build it without keeping writers ' +
    'out. src/scenarios/payroll-reversal/README.md has the statements.',
};

const dependencies: Readonly<Record<string, string>> = {
  none: 'No new server.',
  redis: 'A Redis for locks, with connections of its own.',
  'several redis nodes': 'Three or five independent Redis nodes, on machines of their own.',
};

/** One sentence for each thing that is asked for. */
export function adoptionOf({ facts }: Pick<StrategyFacts, 'facts'>): readonly string[] {
  const { migration, dependency, writers, retry, pooler, held } = facts;
  return [
    migrations[migration] ?? `A migration: ${migration}.`,
    dependencies[dependency] ?? `New servers: ${dependency}.`,
    ...(writers === 'any'
      ? []
      : ['Every writer of these rows has to take part, also the one that is written next year.']),
    ...(retry === 'needed'
      ? ['Conflicts are normal: the whole is tried again, a bounded number of times, with jitter.']
      : []),
    ...(pooler === 'unsafe' ? ['It cannot go through a pooler in transaction mode.'] : []),
    ...(held === 'the lease'
      ? ['Clients of Redis without an offline queue, and a watchdog that extends the lease.']
      : []),
  ];
}

/** In a few words: "no migration, no new server, retries". */
export function asksFor({ migration, dependency, retry, pooler }: Facts): string {
  return [
    migration === 'none' ? 'no migration' : migration,
    dependency === 'none' ? 'no new server' : dependency,
    ...(retry === 'needed' ? ['retries'] : []),
    ...(pooler === 'unsafe' ? ['no transaction pooler'] : []),
  ].join(', ');
}

/** The way from what serves today; `scenario` is the measured operation of the same shape. */
export function rolloutOf(
  { name, facts, beside }: StrategyFacts,
  scenario: string,
): readonly string[] {
  const known =
    beside.length > 0
      ? `Known to be safe beside it: ${beside.join(', ')}.`
      : 'No other strategy is known to be safe beside it.';
  return [
    ...(facts.migration === 'none'
      ? []
      : ['The migration is done, and proved by a query, before the first process relies on it.']),
    'Two locks exclude nothing of each other: old and new processes must not decide the same key at the ' +
      `same time. ${known} docs/side-by-side.md has the pairs that were explored.`,
    'For any other pair take both locks in between (STRATEGY=both:OLD+NEW), or move group by group: ' +
      `lockstep rollout plan ${scenario} --from OLD --to ${name} says what it needs (docs/rollout.md).`,
    'Watch lockstep_violations_total and the latency of both on the way (docs/metrics.md).',
  ];
}
