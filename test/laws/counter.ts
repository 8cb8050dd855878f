import {
  type Query,
  type Registered,
  type Row,
  type Rule,
  scenario,
  sql,
  type Table,
  type Tx,
  wordingsAll,
} from '../../src/contract/index.ts';

/** The smallest contended operation: look at a row, do what the test says, insert an effect. */
export interface CounterCommand {
  readonly id: string;
  readonly work: (tx: Tx) => Promise<void>;
}

export const counterSchema = `
  create table if not exists law_counters (
    id bigint generated always as identity primary key,
    version integer not null default 0,
    fence bigint not null default 0
  );
  create table if not exists law_effects (counter_id bigint not null, command_id uuid not null);
`;

const counters: Table<Row> = {
  name: 'law_counters',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};

const insertCounter = sql<{ id: string }>`insert into law_counters default values returning id`;

const insertEffect = sql<{ id: string }>`
  insert into law_effects (counter_id, command_id) values ($1, $2) returning counter_id as id`;

const countEffects = sql<{ effects: number }>`
  select count(*)::integer as effects from law_effects where counter_id = $1`;

const rule: Rule<CounterCommand> = async (tx, { id, work }, { commandId }) => {
  const row = await tx.check(() => tx.read(counters, id));
  if (!row) return { refused: 'gone' };
  await work(tx);
  await tx.touch(counters, row);
  await tx.query(insertEffect, [id, commandId]);
  return { accepted: id };
};

/** A scenario whose work each command brings along, in every wording: what is tried is the strategy. */
export function counterScenario(works: ReadonlyMap<string, (tx: Tx) => Promise<void>>): Registered {
  return scenario<CounterCommand>({
    title: 'a counter',
    path: '/counters/:id',
    form: { refusals: { gone: 'There is no such counter.' }, examples: [] },
    race: 'duplicate',
    exhaustedReasons: [],
    async prepare({ params }) {
      return { id: String(params.id), work: works.get(String(params.work)) ?? (async () => {}) };
    },
    auditKey: ({ id }) => id,
    variants: {
      plain: {
        title: 'plain',
        acts: 'inserts beside it',
        effect: 'inside',
        keys: ({ id }) => [`law_counters/${id}`],
        rules: { steps: rule, ...Object.fromEntries(wordingsAll.map(name => [name, rule])) },
      },
    },
    routes: [],
    load: async () => [],
  });
}

/** A counter that nobody holds yet. Not made by the command: under a table lock it would wait. */
export async function makeCounter(query: Query): Promise<string> {
  const [made] = await query(insertCounter, []);
  if (!made) throw new Error('no counter was made');
  return made.id;
}

/** How many effects are committed on a counter. */
export async function effectsOf(query: Query, id: string): Promise<number> {
  const [row] = await query(countEffects, [id]);
  return row?.effects ?? 0;
}
