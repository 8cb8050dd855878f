import { describe, expect, test } from 'vitest';
import { historyOf, historyText } from '../../../bench/faults/history.ts';
import { claimsOf } from '../../../bench/faults/verify.ts';
import { historyFrom, type Sent } from './history.ts';

const refused: Sent = {
  ...{ role: 'probe', answer: 'refused', sentMs: 3_000, atMs: 3_010, detail: 'nothing left' },
  refusal: { reason: 'taken', id: '7/request' },
};
const rival = (answer: Sent['answer']): Sent => ({ role: 'rival', answer, sentMs: 1, atMs: 2 });
const judgedIn = (commands: readonly Sent[], fromMs = 0): readonly string[] =>
  claimsOf(historyFrom(commands), ['nothing left'], fromMs).refusedKeys;

describe('a refusal is judged', () => {
  test.each(['busy', 'failed', 'accepted'] as const)('beside a rival that was %s', answer => {
    expect(judgedIn([refused, rival(answer)])).toEqual(['7']);
  });

  test('unless somebody on the key does not know how it ended', () => {
    for (const answer of ['unknown', 'none'] as const)
      expect(judgedIn([refused, rival(answer)])).toEqual([]);
  });

  test('by what its call says that this reason claims', () => {
    expect(judgedIn([{ ...refused, detail: 'taken' }])).toEqual(['7/request']);
    expect(judgedIn([{ ...refused, detail: 'too late' }])).toEqual([]);
  });

  test('not where it was told before the store forgot', () => {
    expect(judgedIn([refused], 3_005)).toEqual(['7']);
    expect(judgedIn([refused], 3_011)).toEqual([]);
  });
});

test('the record keeps what a refusal would claim', () => {
  const history = historyFrom([refused]);
  expect(historyOf(historyText(history))).toEqual(history);
});
