import { describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../bench/compare/exit.ts';
import { exitCodes } from '../../bench/lab/exit-codes.ts';
import { type CellVerdict, keysMin, type Observation, verdictOf } from '../../bench/lab/verdict.ts';
import type { Prediction } from '../../src/contract/index.ts';
import { exploredCell } from './example-run.ts';

const claims = {
  safe: { verdict: 'safe', because: 'locked' },
  unsafe: { verdict: 'unsafe', because: 'nobody refuses' },
  'no claim': { verdict: 'no claim', because: 'the lease was lost' },
  'not offered': { verdict: 'not offered', because: 'no such wording' },
} satisfies Record<string, Prediction>;

const plenty: Observation = {
  keys: 100,
  keysDecided: 100,
  keysOverlapped: 100,
  keysTested: 100,
  keysUnfilled: 0,
  keysHit: 0,
  findings: 0,
  lostAcknowledgements: 0,
  turnsLost: 0,
  stuck: 0,
  unanswered: 0,
  settled: true,
  audited: true,
  counted: true,
};
const hit: Partial<Observation> = { findings: 5, keysHit: 4, turnsLost: 2 };

interface Row {
  readonly name: string;
  readonly claim: keyof typeof claims;
  readonly seen?: Partial<Observation> | 'nothing';
  readonly control?: 'seen' | 'not seen';
  readonly hazard?: { readonly under: readonly string[]; readonly cure: string };
  readonly observed: CellVerdict['observed'];
  readonly agreement: CellVerdict['agreement'];
  readonly because?: RegExp;
}

const rows: readonly Row[] = [
  {
    name: 'a lost acknowledgement is never as predicted',
    claim: 'unsafe',
    seen: { ...hit, lostAcknowledgements: 1 },
    observed: 'unsafe',
    agreement: 'claim violated',
    because: /acknowledged but are missing/,
  },
  {
    name: 'more violated than the lost turns can explain',
    claim: 'no claim',
    seen: { ...hit, keysHit: 5 },
    observed: 'unsafe',
    agreement: 'claim violated',
    because: /more than 2 lost turns can explain/,
  },
  {
    name: 'safe, something found while a lost lease may be missing',
    claim: 'safe',
    seen: { ...hit, counted: false },
    observed: 'inconclusive',
    agreement: 'not shown',
  },
  { name: 'safe, nothing found', claim: 'safe', observed: 'safe', agreement: 'as claimed' },
  {
    name: 'safe, something found',
    claim: 'safe',
    seen: hit,
    observed: 'unsafe',
    agreement: 'claim violated',
    because: /4 of 100 keys/,
  },
  {
    name: 'safe, something found on few keys: one is enough',
    claim: 'safe',
    seen: { ...hit, keys: 1, keysTested: 0, settled: false },
    observed: 'unsafe',
    agreement: 'claim violated',
  },
  {
    name: 'safe, something found while the control was blind',
    claim: 'safe',
    seen: hit,
    control: 'not seen',
    observed: 'unsafe',
    agreement: 'claim violated',
  },
  {
    name: 'unsafe, found',
    claim: 'unsafe',
    seen: hit,
    observed: 'unsafe',
    agreement: 'as claimed',
  },
  {
    name: 'unsafe, nothing found',
    claim: 'unsafe',
    observed: 'inconclusive',
    agreement: 'not shown',
    because: /predicted violation was not observed/,
  },
  { name: 'no claim', claim: 'no claim', observed: 'no claim', agreement: 'nothing claimed' },
  {
    name: 'no claim, something found: it did not claim otherwise',
    claim: 'no claim',
    seen: hit,
    observed: 'no claim',
    agreement: 'nothing claimed',
  },
  {
    name: 'not offered',
    claim: 'not offered',
    seen: 'nothing',
    observed: 'not offered',
    agreement: 'nothing claimed',
  },
  {
    name: 'the control was blind',
    claim: 'safe',
    control: 'not seen',
    observed: 'inconclusive',
    agreement: 'not shown',
    because: /control/,
  },
  {
    name: 'never run',
    claim: 'safe',
    seen: 'nothing',
    observed: 'inconclusive',
    agreement: 'not shown',
  },
  ...(
    [
      ['not audited', { audited: false }, /before this cell was audited/],
      ['not settled', { settled: false }, /still open/],
      ['not asked again', { asked: null }, /before its keys were asked again/],
      ['asked again without an answer', { asked: 9, unanswered: 2 }, /2 keys .* gave no answer/],
      ['metrics missed commands', { counted: false }, /metrics/],
      ['rivals met on too few', { keysTested: keysMin - 1 }, /only 19 of 100 keys.*100 decided/],
    ] as const
  ).map(
    ([name, seen, because]): Row => ({
      name: `too little: ${name}`,
      claim: 'safe',
      seen,
      observed: 'inconclusive',
      agreement: 'not shown',
      because,
    }),
  ),
  {
    name: 'just enough, though most keys were left with room',
    claim: 'safe',
    seen: { keysTested: keysMin, keysDecided: 3, keysUnfilled: 80 },
    observed: 'safe',
    agreement: 'as claimed',
  },
  {
    name: 'a hazard that needs a crash, nothing found: no news, and no safety either',
    claim: 'safe',
    hazard: { under: ['crash'], cure: 'its-cure' },
    observed: 'inconclusive',
    agreement: 'not provoked',
    because: /needs crash, which load does not cause.*its-cure/,
  },
  {
    name: 'a hazard that needs a lost lease, predicted unsafe and nothing found',
    claim: 'unsafe',
    hazard: { under: ['lease lost'], cure: 'its-cure' },
    observed: 'inconclusive',
    agreement: 'not provoked',
  },
  {
    name: 'a hazard that needs a lost lease, found',
    claim: 'unsafe',
    seen: hit,
    hazard: { under: ['lease lost'], cure: 'its-cure' },
    observed: 'unsafe',
    agreement: 'as claimed',
  },
  {
    name: 'a hazard that several processes bring out, nothing found',
    claim: 'unsafe',
    hazard: { under: ['several processes'], cure: 'its-cure' },
    observed: 'inconclusive',
    agreement: 'not shown',
  },
  {
    name: 'a hazard that rivals alone bring out, nothing found',
    claim: 'unsafe',
    hazard: { under: [], cure: 'its-cure' },
    observed: 'inconclusive',
    agreement: 'not shown',
  },
];

describe('a verdict', () => {
  test.each(rows)('$name: $observed, $agreement', row => {
    const seen = row.seen === 'nothing' ? undefined : { ...plenty, ...row.seen };
    const verdict = verdictOf(claims[row.claim], seen, row.control ?? 'seen', row.hazard);
    expect(verdict).toMatchObject({ observed: row.observed, agreement: row.agreement });
    if (row.because) expect(verdict.because).toMatch(row.because);
  });

  test('only "safe" has a bound, by the keys on which rivals met', () => {
    for (const row of rows) {
      const seen = row.seen === 'nothing' ? undefined : { ...plenty, ...row.seen };
      const control = row.control ?? 'seen';
      const { observed, boundShare } = verdictOf(claims[row.claim], seen, control, row.hazard);
      expect(boundShare).toBe(observed === 'safe' ? 3 / (seen?.keysTested ?? 0) : undefined);
    }
  });
});

describe('exit codes', () => {
  const verdict = (
    observed: CellVerdict['observed'],
    agreement: CellVerdict['agreement'],
  ): CellVerdict => ({ observed, agreement, because: '' });
  const held = verdict('safe', 'as claimed');
  const failed = verdict('unsafe', 'as claimed');
  const violated = verdict('unsafe', 'claim violated');
  const open = verdict('inconclusive', 'not shown');
  const unclaimed = verdict('no claim', 'nothing claimed');
  const absent = verdict('not offered', 'nothing claimed');
  const unprovoked = verdict('inconclusive', 'not provoked');
  const unviolated = { event: 'none', orders: 9, violating: 0, claimed: null } as const;

  test('are the documented ones', () => {
    expect(exitCodes).toEqual({
      asClaimed: 0,
      claimBroken: 1,
      usage: 2,
      inconclusive: 3,
      missing: 4,
      interrupted: 130,
    });
  });

  test.each([
    { name: 'all as predicted', verdicts: [held, failed, unclaimed, absent], code: 0 },
    { name: 'one that load cannot provoke', verdicts: [held, unprovoked], code: 0 },
    { name: 'one violated its claim', verdicts: [held, violated], code: 1 },
    { name: 'violated beside inconclusive', verdicts: [open, violated], code: 1 },
    { name: 'one inconclusive', verdicts: [held, open], code: 3 },
    { name: 'nothing was judged', verdicts: [absent], code: 3 },
    { name: 'no cell at all', verdicts: [], code: 3 },
  ])('$name: $code', ({ verdicts, code }) => {
    expect(exitCodeOf('complete', verdicts)).toBe(code);
  });

  test('a claim that some explored order broke: 1', () => {
    const part = { ...unviolated, violating: 1 };
    const broken = exploredCell('liar', [{ ...part, agreement: 'claim violated' }]);
    const unclaimed = exploredCell('mix', [{ ...part, agreement: 'nothing claimed' }]);
    expect(exitCodeOf('complete', [held], [unclaimed, broken])).toBe(1);
    expect(exitCodeOf('complete', [held], [unclaimed])).toBe(0);
  });

  test('a predicted violation that neither an order nor the load has shown: 3', () => {
    const unseen = exploredCell('hazard', [{ ...unviolated, agreement: 'not shown' }]);
    expect(exitCodeOf('complete', [unprovoked, held], [unseen])).toBe(3);
    expect(exitCodeOf('complete', [failed, held], [unseen], () => true)).toBe(0);
  });

  test.each([
    ['interrupted', 130],
    ['broken off', 3],
  ] as const)('a run that was %s is never good nor bad: %i', (end, code) => {
    expect(exitCodeOf(end, [held])).toBe(code);
    expect(exitCodeOf(end, [violated])).toBe(code);
  });
});
