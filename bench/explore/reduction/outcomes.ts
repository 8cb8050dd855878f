import type { ExploreOptions } from '../../../src/explore/explore.ts';
import { RedisControl } from '../../../src/explore/run/redis-control.ts';
import {
  type ExecutionRecord,
  type ServerUrls,
  Stage,
  type Subject,
} from '../../../src/explore/run/stage.ts';
import { Nondeterministic } from '../../../src/explore/search/point.ts';
import { formatSchedule } from '../../../src/explore/search/schedule.ts';
import type { Search, SearchEnd } from '../../../src/explore/search/search.ts';
import { boundOf, settingsOf } from '../../../src/explore/settings.ts';
import { visitAll } from '../../../src/explore/visit-all.ts';
import { actorOf } from './caller.ts';
import type { Program } from './program.ts';
import { rowsSql, setupOf } from './schema.ts';

/** The result of searching a program's orders. */
export interface Searched {
  /** Each outcome (answers to callers, remaining rows and keys), with the first order that led to it. */
  readonly outcomes: ReadonlyMap<string, readonly string[]>;
  readonly orders: number;
  readonly pruned: number;
  readonly seconds: number;
  /** Why the search does not count; undefined if it completed. */
  readonly failed: { readonly kind: 'too large' | 'unclear'; readonly why: string } | undefined;
}

export interface Limits {
  readonly ordersMax: number;
  readonly secondsMax: number;
}

/** Runs every order of the program, with or without reduction, and collects the outcomes. */
export async function outcomesOf(
  program: Program,
  servers: ServerUrls,
  reduce: boolean,
  { ordersMax, secondsMax }: Limits,
): Promise<Searched> {
  const beganMs = performance.now();
  const options = optionsOf(program, servers, reduce);
  const outOfTime = (): boolean => performance.now() - beganMs > secondsMax * 1000;
  // no simple or symmetric orders: the reduction alone decides what is left out
  const own = { simple: undefined, symmetry: undefined };
  const plan = { bound: boundOf(options), executionsMax: ordersMax, outOfTime, reduce, ...own };
  let found: Visited = nothingVisited;
  try {
    await onStage(program, options, async (stage, left) => {
      const visit = async (search: Search): Promise<SearchEnd> => {
        const [visited, end] = await visitOnce(search, stage, left);
        found = visited;
        return end;
      };
      const learnt = () => ({ clockWasRead: stage.clockWasRead, sharesState: false });
      await visitAll(plan, visit, learnt, () => undefined);
    });
  } catch (error) {
    if (!(error instanceof Nondeterministic)) throw error;
    found = { ...found, unclear: error.message };
  }
  const { outcomes, orders, pruned, stopped, unclear } = found;
  const seconds = (performance.now() - beganMs) / 1000;
  return { outcomes, orders, pruned, seconds, failed: failureOf(unclear, stopped) };
}

interface Visited {
  readonly outcomes: ReadonlyMap<string, readonly string[]>;
  readonly orders: number;
  readonly pruned: number;
  readonly stopped: boolean;
  readonly unclear: string | undefined;
}

const nothingVisited: Visited = {
  outcomes: new Map(),
  orders: 0,
  pruned: 0,
  stopped: false,
  unclear: undefined,
};

async function visitOnce(
  search: Search,
  stage: Stage,
  left: () => Promise<string>,
): Promise<[Visited, SearchEnd]> {
  const outcomes = new Map<string, readonly string[]>();
  let unclear: string | undefined;
  let outcome = '';
  const end = await search.run(
    async scheduler => {
      const record = await stage.execute(scheduler);
      unclear ??= unclearIn(record);
      outcome = outcomeOf(record, await left());
    },
    ({ tokens }) => {
      if (!outcomes.has(outcome)) outcomes.set(outcome, tokens);
      return unclear === undefined ? 'go on' : 'stop';
    },
  );
  const { executions, pruned, stopped } = end;
  return [{ outcomes, orders: executions, pruned, stopped, unclear }, end];
}

/** Replays one order; the outcome is undefined if the order can no longer be followed. */
export async function replayed(
  program: Program,
  servers: ServerUrls,
  tokens: readonly string[],
  times: number,
): Promise<(string | undefined)[]> {
  const ends: (string | undefined)[] = [];
  await onStage(program, optionsOf(program, servers, false), async (stage, left) => {
    for (let n = 0; n < times; n++) {
      let at = 0;
      const record = await stage.execute({
        next: ({ choices }) => choices.find(one => one.token === tokens[at++]),
      });
      ends.push(record.end.kind === 'abandoned' ? undefined : outcomeOf(record, await left()));
    }
  });
  return ends;
}

export function scheduleText(tokens: readonly string[]): string {
  return formatSchedule(tokens);
}

function failureOf(unclear: string | undefined, stopped: boolean): Searched['failed'] {
  if (unclear !== undefined) return { kind: 'unclear', why: unclear };
  return stopped ? { kind: 'too large', why: 'more orders than allowed' } : undefined;
}

function optionsOf(program: Program, servers: ServerUrls, reduce: boolean): ExploreOptions {
  const { event, phases, fuseBegin } = program;
  return {
    servers,
    phases,
    fuseBegin,
    reduce,
    isolated: true,
    preemptions: 'unbounded',
    preemptionsWithEvent: 'unbounded',
    events: event === undefined ? [] : [event],
  };
}

async function onStage(
  program: Program,
  options: ExploreOptions,
  work: (stage: Stage, left: () => Promise<string>) => Promise<void>,
): Promise<void> {
  const actors = program.callers.map((caller, at) => [`caller ${at + 1}`, actorOf(caller)]);
  const subject: Subject = {
    setup: setupOf(program),
    actors: Object.fromEntries(actors),
    audit: rowsSql(program),
  };
  const stage = await Stage.open(subject, options.servers, settingsOf(options));
  const keys = await Promise.all(
    (options.servers.redisUrls ?? []).map(url => RedisControl.open(url)),
  );
  try {
    await work(stage, async () => {
      const left = await Promise.all(keys.map(one => one.ask('eval', keysLua, '0')));
      return JSON.stringify(left);
    });
  } finally {
    for (const one of keys) one.close();
    await stage.close();
  }
}

/** A caller never throws (see `actorOf`): if it does, the outcome is unclear. */
function unclearIn({ end, ends }: ExecutionRecord): string | undefined {
  if (end.kind === 'inconclusive') return end.why;
  return ends.find(one => one?.kind === 'threw')?.message;
}

/** Every key with its value, and whether it has a time to live. */
const keysLua = `
  local keys, left = redis.call('keys', '*'), {}
  table.sort(keys)
  for _, key in ipairs(keys) do
    local lives = redis.call('pttl', key) >= 0 and ' for a time' or ''
    left[#left + 1] = key .. ' ' .. redis.call('get', key) .. lives
  end
  return left`;

function outcomeOf(record: ExecutionRecord, keys: string): string {
  const told = record.ends.map((end, at) => {
    const name = String.fromCharCode(65 + at);
    if (end === undefined) return `${name} never ends`;
    if (end.kind === 'returned') return `${name} ${JSON.stringify(end.value)}`;
    return `${name} ${end.kind === 'threw' ? `threw ${end.message}` : end.kind}`;
  });
  return [...told, ...record.violations, keys].join('\n');
}
