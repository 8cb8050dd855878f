/** Cells of a run of faults, for tests of what is said of them. */
import type { FaultCell, FaultsRun } from '../../../bench/faults/schema.ts';
import { exampleRun } from '../example-run.ts';

export const fine: NonNullable<FaultCell['judged']> = {
  answers: { accepted: 90, refused: 0, busy: 2, unavailable: 0, unknown: 1 },
  acknowledged: 120,
  lost: [],
  unknown: { tookEffect: 0, hadNone: 1 },
  unexplained: 0,
  forNobody: 0,
  twice: 0,
  detectMs: 20,
  takeOverMs: 30,
  reconnectMs: 40,
  gapMs: { before: 30, others: 60, struckProcess: 900 },
  firstAcceptedMs: 50,
  stuck: false,
};
export const violation = {
  key: '7',
  kind: 'lost update',
  excess: 1,
  detail: 'the balance is 3',
} as const;
export const audited = { settled: true, keys: 9, acknowledged: 120, refusedKeys: 0 };

export const cell = (changed: Partial<FaultCell> = {}): FaultCell => ({
  fault: 'stall',
  phase: 'commit sent',
  strategy: 'one',
  control: false,
  claimed: { verdict: 'safe', because: 'locked' },
  leftBehind: null,
  outage: null,
  state: 'struck',
  because: '',
  seconds: 4,
  marks: { heldMs: 400, injectedMs: 400, healedMs: 2_000, endedMs: 3_000 },
  judged: fine,
  audit: { ...audited, findings: 0, violations: [] },
  strip: null,
  ready: null,
  wire: [
    {
      atMs: 400,
      store: 'postgres',
      connection: 'postgres 3',
      side: 'request',
      purpose: 'commit',
      text: 'commit',
      held: true,
    },
  ],
  ...changed,
});
export const harmedAudit = { ...audited, findings: 1, violations: [violation] };
export const control = cell({
  strategy: 'hazard',
  control: true,
  claimed: { verdict: 'unsafe', because: 'nobody refuses' },
  audit: harmedAudit,
});

export const faultOf = (
  harm: FaultsRun['faults'][number]['harm'],
): FaultsRun['faults'][number] => ({
  name: 'stall',
  title: 'It stands still',
  strikes: 'process',
  events: [],
  harm,
  forgets: false,
  phases: ['commit sent'],
});
export const runOf = (
  cells: readonly FaultCell[],
  harm = faultOf('violation').harm,
): FaultsRun => ({
  format: 'lockstep faults',
  version: 1,
  end: 'complete',
  brokenOff: '',
  startedAt: '2026-11-30T12:00:00.000Z',
  seconds: 60,
  command: 'npm run faults',
  scenario: 'gift-card',
  variant: 'plain',
  seed: 1,
  times: { leaseMs: 2_000, waitMs: 6_000 },
  conditions: exampleRun().conditions,
  faults: [faultOf(harm)],
  strategies: [{ name: 'one', title: 'One', hazard: false }],
  cells: [...cells],
});
