import type { AddedRow, Masked } from '../../explore/serial/finding.ts';
import type { CallerSaid } from './observed.ts';
import type { Planner } from './planned.ts';
import { type Saying, withLock } from './rewriters.ts';

/** A statement, and what a cure says in its place. */
export interface Rewritten {
  readonly before: string;
  readonly after: string;
}

/** One way to cure an operation that needs no change to its code to be tried. */
export interface Cure {
  readonly name: string;
  /** The strategy of ours that it is, by its name. */
  readonly strategy: string | undefined;
  readonly migration: string;
  /** How many more round trips each caller makes. */
  readonly roundTrips: number;
  /** What the caller's own code has to do besides. */
  readonly besides: string | undefined;
  readonly rewritten: readonly Rewritten[];
  /** Why it cannot be tried here. */
  readonly notApplicable: string | undefined;
  /** SQL behind the setup. */
  readonly setup: string;
  readonly saying: (caller: string) => Saying;
  /** Callers repeat the whole request after an error that asks for it. */
  readonly retries: boolean;
}

/** What is known of the wrong order that the cures are for. */
export interface Wrong {
  readonly callers: readonly CallerSaid[];
  /** Rows that it added. */
  readonly added: readonly AddedRow[];
  /** Those of them that no serial order leaves beside the others. */
  readonly extra: readonly AddedRow[];
  readonly masked: readonly Masked[];
}

const plain: Omit<Cure, 'name'> = {
  strategy: undefined,
  migration: 'none',
  roundTrips: 0,
  besides: undefined,
  rewritten: [],
  notApplicable: undefined,
  setup: '',
  saying: () => ({ wraps: false }),
  retries: false,
};

/** Every cure that can be tried at the wire, and those that cannot, with the reason. */
export async function curesFor(wrong: Wrong, planner: Planner): Promise<readonly Cure[]> {
  const wraps = wrong.callers.some(one => !one.inTransactions);
  const base = { wraps, why: untransactable(wrong.callers) };
  const locks: Cure[] = [];
  for (const one of rowLocks) locks.push(await rowLock(wrong, planner, base, one));
  return [
    ...(wraps ? [oneTransaction(base)] : []),
    ...locks,
    advisory(wrong, base),
    ...levels.map(level => isolation(wrong, base, level)),
    ...(await unique(wrong, planner)),
  ];
}

interface Base {
  /** Statements outside of transactions have to be put into one. */
  readonly wraps: boolean;
  /** Why they cannot be. */
  readonly why: string | undefined;
}

function untransactable(callers: readonly CallerSaid[]): string | undefined {
  const silent = callers.find(({ said }) => said.length === 0);
  if (silent !== undefined) return `${silent.name} says nothing to Postgres`;
  const spread = callers.find(
    ({ connections, inTransactions }) => connections > 1 && !inTransactions,
  );
  if (spread !== undefined)
    return `the statements of ${spread.name} run on ${spread.connections} connections`;
  const mixed = callers.find(({ said, inTransactions }) => {
    return !inTransactions && said.some(({ does }) => does === 'begins');
  });
  if (mixed === undefined) return undefined;
  return `${mixed.name} has a transaction, and statements outside of it`;
}

/** BEGIN and COMMIT. */
const wrapTrips = 2;

function oneTransaction({ why }: Base): Cure {
  return {
    ...plain,
    name: 'in one transaction',
    roundTrips: wrapTrips,
    notApplicable: why,
    saying: () => ({ wraps: true }),
  };
}

interface RowLock {
  readonly clause: string;
  readonly strategy: string;
  readonly besides?: string;
}

const rowLocks: readonly RowLock[] = [
  { clause: 'for no key update', strategy: 'row-lock' },
  { clause: 'for update', strategy: 'row-lock' },
  {
    clause: 'for no key update nowait',
    strategy: 'row-lock-nowait',
    besides: 'answer 55P03 with "busy"',
  },
];

async function rowLock(
  { callers }: Wrong,
  planner: Planner,
  { wraps, why }: Base,
  { clause, strategy, besides }: RowLock,
): Promise<Cure> {
  const reads = [...new Set(callers.flatMap(one => one.deciding?.label ?? []))];
  const rewritten = reads.map(before => ({ before, after: withLock(before, clause) }));
  let refused = why;
  if (callers.some(one => one.deciding === undefined))
    refused ??= 'some caller reads no table before it writes';
  for (const { after } of rewritten) {
    const said = await planner.refusal(after);
    if (said !== undefined) refused ??= `Postgres refuses: ${said}`;
  }
  const instead = new Map(rewritten.map(({ before, after }) => [before, after]));
  return {
    ...plain,
    name: `${clause} on the deciding read`,
    strategy,
    roundTrips: wraps ? wrapTrips : 0,
    besides,
    rewritten,
    notApplicable: refused,
    saying: () => ({ instead, wraps }),
  };
}

/** The lock of each caller: by what its deciding read asks for, where all ask alike. */
function advisory({ callers }: Wrong, { wraps, why }: Base): Cure {
  const alike = new Set(callers.map(one => one.deciding?.label)).size === 1;
  const keyOf = ({ deciding, said }: CallerSaid): string => {
    const tables = (deciding ?? said.find(one => one.tables.length > 0))?.tables ?? [];
    const values = alike ? (deciding?.values ?? []) : [];
    return [tables[0] ?? '', ...values.map(String)].join('/');
  };
  const first = new Map(
    callers.map(one => {
      const key = keyOf(one).replaceAll("'", "''");
      return [one.name, `select pg_advisory_xact_lock(hashtextextended('${key}', 0))`];
    }),
  );
  const keys = new Set(first.values());
  const apart = keys.size > 1 ? 'the callers ask for different keys' : undefined;
  return {
    ...plain,
    name: 'an advisory lock behind BEGIN',
    strategy: 'advisory-transaction',
    roundTrips: 1 + (wraps ? wrapTrips : 0),
    rewritten: [...keys].map(after => ({ before: 'begin', after: `begin; ${after}` })),
    notApplicable: why ?? apart,
    saying: name => ({ first: first.get(name) ?? '', wraps }),
  };
}

const levels = ['repeatable read', 'serializable'] as const;

function isolation({ callers }: Wrong, { wraps, why }: Base, level: (typeof levels)[number]): Cure {
  const states = callers.some(({ said }) => said.some(({ statesLevel }) => statesLevel));
  return {
    ...plain,
    name: level,
    strategy: level === 'serializable' ? 'serializable' : 'repeatable-read',
    roundTrips: wraps ? wrapTrips : 0,
    besides: 'repeat the whole request after 40001 (done here from outside)',
    rewritten: [{ before: 'begin', after: `begin isolation level ${level}` }],
    notApplicable: why ?? (states ? 'a caller states its isolation level itself' : undefined),
    setup: `do $$ begin execute format(
      'alter database %I set default_transaction_isolation = ''${level}''', current_database()); end $$`,
    saying: () => ({ wraps }),
    retries: true,
  };
}

const proposalsMax = 3;

/** An index for each pair of rows of which one should not be there: on all that they have in common. */
async function unique({ extra, added, masked }: Wrong, planner: Planner): Promise<Cure[]> {
  const generated = new Set(masked.map(({ place }) => place));
  const proposals = new Map<string, { table: string; columns: readonly string[] }>();
  for (const one of extra) {
    for (const other of added.filter(row => row !== one && row.table === one.table)) {
      const columns = Object.keys(one.values).filter(column => {
        const value = one.values[column];
        const fixed = !generated.has(`${one.table}.${column}`);
        return fixed && value !== null && value === other.values[column];
      });
      if (columns.length > 0)
        proposals.set(`${one.table} ${columns.join()}`, { table: one.table, columns });
    }
  }
  const cures: Cure[] = [];
  for (const { table, columns } of [...proposals.values()].slice(0, proposalsMax)) {
    const names = columns.map(name => `"${name.replaceAll('"', '""')}"`).join(', ');
    const setup = `create unique index on ${table} (${names})`;
    const objection = await planner.objection(setup);
    cures.push({
      ...plain,
      name: `a unique index on ${table} (${columns.join(', ')})`,
      strategy: 'unique-slots',
      migration: setup,
      besides: 'answer 23505 as a refusal; two such rows are forbidden for ever',
      notApplicable: objection && `the rows that are there forbid it: ${objection}`,
      setup,
    });
  }
  return cures;
}
