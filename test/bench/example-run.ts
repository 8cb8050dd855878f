/** A small run made by hand: one strategy that holds, the control that fails, one of each other kind. */

import type { Cell, Phase, Round, Run, StrategyFacts } from '../../bench/compare/schema.ts';
import type { ExploredCell } from '../../bench/explore/schema.ts';
import type { Audit } from '../../bench/lab/shapes.ts';

/** A strategy's facts with what a test cares about. */
export function facts(name: string, own: Partial<StrategyFacts> = {}): StrategyFacts {
  return {
    name,
    title: `How ${name} works`,
    source: 'ours',
    control: false,
    wording: 'steps',
    isolation: 'read committed',
    turns: [],
    guard: [],
    hazard: null,
    adoption: {
      migration: 'none',
      everyWriterMustTakePart: true,
      newDependency: null,
      poolerSafe: true,
      retryNeeded: false,
    },
    ...own,
  };
}

/** One key with two rivals; `accepted` of them are told yes, the others no. */
export function round(key: string, accepted: number, decidedMs: number): Round {
  const calls = ['a', 'b'].map((actor, index) => ({
    actor,
    process: index,
    outcome: index < accepted ? ('accepted' as const) : ('refused' as const),
    detail: index < accepted ? '' : 'full',
    attempts: 1,
    ms: decidedMs + index,
    met: true,
  }));
  const decided = accepted > 0 ? decidedMs : null;
  return {
    key,
    capacity: 1,
    decidedMs: decided,
    answeredMs: decidedMs + 1,
    overlapped: true,
    decidedTogether: accepted > 1,
    calls,
  };
}

export function phase(rounds: readonly Round[], own: Partial<Phase['service']> = {}): Phase {
  const calls = rounds.flatMap(one => one.calls);
  const of = (outcome: string) => calls.filter(call => call.outcome === outcome).length;
  const histogram = (count: number, seconds: number) => ({
    bounds: [0.001, 0.01],
    counts: [0, count, 0],
    sum: count * seconds,
    count,
  });
  return {
    rounds: [...rounds],
    seconds: 2,
    cutShort: false,
    generatorCores: 0.2,
    service: {
      commands: {
        accepted: histogram(of('accepted'), 0.005),
        refused: histogram(of('refused'), 0.006),
      },
      phases: { wait: histogram(calls.length, 0.002), hold: histogram(calls.length, 0.001) },
      attempts: calls.length,
      effectsWithoutRecord: 0,
      failures: {},
      releases: {},
      leasesLost: 0,
      ...own,
    },
  };
}

export function audit(violations: Audit['violations'] = []): Audit {
  return {
    settled: true,
    keys: 0,
    acknowledged: 0,
    refusedKeys: 0,
    findings: violations.length,
    violations,
  };
}

export const keysInExample = 30;
/** Over which the keys are dealt in turn. */
export const repetitionsInExample = 5;

/** A cell of five repetitions; every key takes `decidedMs` and accepts so many. */
export function cell(
  strategy: string,
  claimed: Cell['claimed'],
  { accepted = 1, decidedMs = 10, found = [] as Audit['violations'] } = {},
): Cell {
  const rounds = Array.from({ length: keysInExample }, (_, index) =>
    round(`${strategy}-${index}`, accepted, decidedMs),
  );
  const dealt = (block: number, suffix = ''): Round[] =>
    rounds
      .filter((_, index) => index % repetitionsInExample === block)
      .map(one =>
        suffix === '' ? one : { ...one, key: `${one.key}${suffix}`, calls: one.calls.slice(0, 1) },
      );
  return {
    scenario: 'appointment',
    variant: 'plain',
    strategy,
    events: ['several processes'],
    claimed,
    warmUp: [],
    repetitions: Array.from({ length: repetitionsInExample }, (_, block) => ({
      contested: phase(dealt(block)),
      alone: phase(dealt(block, '-alone')),
      busy: phase(dealt(block, '-busy')),
    })),
    audit: { warmUp: audit(), contested: audit(found), alone: audit(), busy: audit() },
  };
}

const safe = { verdict: 'safe', because: 'locked before the check' } as const;
const unsafe = { verdict: 'unsafe', because: 'nobody refuses in time' } as const;

const twice = (key: string): Audit['violations'][number] => ({
  key,
  kind: 'duplicate',
  excess: 1,
  detail: `2 appointments, but only 1 therapist is needed on <${key}> & more`,
});

/** Two callers of one key; where some order violates, its timeline holds what would be HTML. */
export function exploredCell(strategy: string, parts: ExploredCell['parts']): ExploredCell {
  const violating = parts.reduce((sum, part) => sum + part.violating, 0);
  return {
    scenario: 'appointment',
    variant: 'plain',
    round: 'plain',
    strategies: [strategy, strategy],
    outcome: violating > 0 ? 'unsafe' : 'safe',
    why: `${violating} orders violate`,
    orders: parts.reduce((sum, part) => sum + part.orders, 0),
    violating,
    exhausted: true,
    bound: '≤ 2, ≤ 1 + 1 event',
    seconds: 1,
    parts,
    assumptions: ['Each caller has an engine of its own.'],
    counterexample:
      violating > 0 ? { schedule: 'v1:AABB', timeline: '1 | select 1 < 2 |\n2 | | commit' } : null,
  };
}

/** A complete run: `steady` and `slow` hold, `unprotected` fails, `absent` is not offered. */
export function exampleRun(own: Partial<Run> = {}): Run {
  const server = {
    product: 'PostgreSQL',
    version: '18.4',
    origin: 'started here',
    settings: { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on' },
  };
  return {
    format: 'lockstep run',
    version: 3,
    end: 'complete',
    incomplete: false,
    brokenOff: '',
    startedAt: '2026-11-22T01:02:03.456Z',
    seconds: 12,
    command: 'npm run compare -- --seed 7',
    plan: {
      scenarios: [{ name: 'appointment', variants: ['plain'] }],
      rounds: keysInExample,
      rivals: 2,
      processes: 2,
      repetitions: repetitionsInExample,
      seed: 7,
      doubleTapShare: 0.2,
      aloneKeys: keysInExample,
      busyKeys: keysInExample,
      inFlight: 8,
      warmUpRounds: 2,
    },
    conditions: {
      commit: '0123456789abcdef',
      changed: false,
      version: '0.1.0',
      node: '20.20.2',
      packages: { pg: '8.23.1' },
      machine: { system: 'Linux', processor: 'A <fast> one', cores: 2, memoryGiB: 8 },
      postgres: server,
      redis: { ...server, product: 'Redis', version: '7.0.15', settings: {} },
      redisNodes: [],
      service: { PROCESSES: '2' },
    },
    strategies: [
      facts('steady'),
      facts('slow'),
      facts('unprotected', {
        control: true,
        hazard: { why: 'two commands look before either has written', under: [], cure: 'steady' },
      }),
      facts('absent', { wording: 'exclusion' }),
    ],
    leftOut: ['one', 'two'].map(name => ({ name, because: 'asked for by name' })),
    cells: [
      cell('slow', safe, { decidedMs: 25 }),
      cell('steady', safe),
      cell('unprotected', unsafe, {
        accepted: 2,
        found: Array.from({ length: 12 }, (_, index) => twice(`unprotected-${index}`)),
      }),
      {
        ...cell('absent', { verdict: 'not offered', because: "no wording 'exclusion'" }),
        repetitions: [],
        audit: null,
      },
    ],
    explored: [
      exploredCell('steady', [
        { event: 'none', orders: 10, violating: 0, claimed: null, agreement: 'nothing claimed' },
        { event: 'crash', orders: 70, violating: 0, claimed: null, agreement: 'nothing claimed' },
      ]),
      exploredCell('unprotected', [
        { event: 'none', orders: 40, violating: 28, claimed: null, agreement: 'nothing claimed' },
      ]),
    ],
    ...own,
  };
}
