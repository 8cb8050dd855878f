import { describe, expect, test } from 'vitest';
import type { Claim } from '../../bench/lab/shapes.ts';
import {
  type CellVerdict,
  keysMin,
  type Observation,
  unseen,
  verdictOf,
} from '../../bench/lab/verdict.ts';

const claims = {
  safe: { verdict: 'safe', because: 'locked' },
  unsafe: { verdict: 'unsafe', because: 'nobody refuses' },
  'no claim': { verdict: 'no claim', because: 'the lease was lost' },
  'not offered': { verdict: 'not offered', because: 'no such wording' },
} satisfies Record<string, Claim>;

const plenty: Observation = {
  keys: 100,
  commands: 800,
  commandsMet: 800,
  keysDecided: 100,
  keysOverlapped: 100,
  keysTested: 100,
  keysDecidedTogether: 0,
  keysUnfilled: 0,
  keysHit: 0,
  findings: 0,
  lostAcknowledgements: 0,
  turnsLost: 0,
  effectsWithoutRecord: 0,
  stuck: 0,
  unanswered: 0,
  settled: true,
  audited: true,
  counted: true,
};
const controls = {
  seen: { share: 0.9, keys: 100, designEffect: 1 },
  rarely: { share: 0.19, keys: 100, designEffect: 1 },
  'in one repetition of two': { share: 0.5, keys: 100, designEffect: 4 },
  'in few repetitions': { share: 0.5, keys: 100, designEffect: 6 },
  'on a few keys': { share: 1, keys: keysMin - 1, designEffect: 1 },
  'not seen': unseen,
} as const;
const hit: Partial<Observation> = { findings: 5, keysHit: 4, turnsLost: 2 };

interface Row {
  readonly name: string;
  readonly claim: keyof typeof claims;
  readonly seen?: Partial<Observation> | 'nothing';
  readonly control?: keyof typeof controls;
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
    name: 'as many violated as effects have lost their record',
    claim: 'no claim',
    seen: { findings: 8, keysHit: 4, effectsWithoutRecord: 4 },
    observed: 'no claim',
    agreement: 'nothing claimed',
  },
  {
    name: 'one more violated than effects have lost their record',
    claim: 'no claim',
    seen: { findings: 8, keysHit: 4, effectsWithoutRecord: 3 },
    observed: 'unsafe',
    agreement: 'claim violated',
    because: /more than 3 effects without their record can explain/,
  },
  {
    name: 'both kinds of losses explain theirs',
    claim: 'no claim',
    seen: { ...hit, keysHit: 6, effectsWithoutRecord: 1 },
    observed: 'unsafe',
    agreement: 'claim violated',
    because: /more than 2 lost turns and 1 effects without their record can explain/,
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
      ['asked again without an answer', { asked: 9, unanswered: 2 }, /2 keys .* were not served/],
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
  {
    name: 'nothing found, and the control failed on 19 % of its keys',
    claim: 'safe',
    control: 'rarely',
    observed: 'inconclusive',
    agreement: 'not shown',
    because: /failed on only 19 % of its keys, and 20 % are needed/,
  },
  {
    name: 'nothing found, and the control failed in one repetition only',
    claim: 'safe',
    control: 'in one repetition of two',
    observed: 'safe',
    agreement: 'as claimed',
  },
  {
    name: 'nothing found on 100 keys that are worth 16',
    claim: 'safe',
    control: 'in few repetitions',
    observed: 'inconclusive',
    agreement: 'not shown',
    because: /100 keys are worth 16 independent ones, and 20 are needed/,
  },
  {
    name: 'nothing found, and the control had few keys to fail on',
    claim: 'safe',
    control: 'on a few keys',
    observed: 'inconclusive',
    agreement: 'not shown',
    because: /the control had only 19 contested keys, and 20 are needed/,
  },
  {
    name: 'one caller alone',
    claim: 'safe',
    seen: { commandsMet: 0, keysOverlapped: 0, keysTested: 0 },
    observed: 'inconclusive',
    agreement: 'not shown',
    because: /no power: no command met a rival/,
  },
];

describe('a verdict', () => {
  test.each(rows)('$name: $observed, $agreement', row => {
    const seen = row.seen === 'nothing' ? undefined : { ...plenty, ...row.seen };
    const verdict = verdictOf(claims[row.claim], seen, controls[row.control ?? 'seen'], row.hazard);
    expect(verdict).toMatchObject({ observed: row.observed, agreement: row.agreement });
    if (row.because) expect(verdict.because).toMatch(row.because);
  });

  test('only "safe" has a bound, by the keys on which rivals met', () => {
    for (const row of rows) {
      const seen = row.seen === 'nothing' ? undefined : { ...plenty, ...row.seen };
      const control = controls[row.control ?? 'seen'];
      const { observed, boundShare } = verdictOf(claims[row.claim], seen, control, row.hazard);
      const independent = (seen?.keysTested ?? 0) / control.designEffect;
      expect(boundShare).toBe(observed === 'safe' ? 3 / independent : undefined);
    }
  });
});
