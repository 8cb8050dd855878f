import { expect, test } from 'vitest';
import type { ExploredCell } from '../../bench/explore/schema.ts';
import { exploredText, pairsText } from '../../bench/explore/text.ts';
import { exploredCell } from '../bench/example-run.ts';

const part = (violating: number): ExploredCell['parts'] => [
  { event: 'none', orders: 9, violating, claimed: null, agreement: 'nothing claimed' },
];
const pair = (strategies: readonly string[], own: Partial<ExploredCell> = {}): ExploredCell => ({
  ...exploredCell('', part(own.violating ?? 0)),
  strategies: [...strategies],
  ...own,
});

const cells = [
  pair(['old', 'new']),
  pair(['old', 'new'], { variant: 'hasty', violating: 3, outcome: 'unsafe' }),
  pair(['old', 'slow'], { exhausted: false, outcome: 'budget-stopped' }),
  pair(['new', 'slow'], { exhausted: false, outcome: 'not offered', bound: '' }),
];

test('a pair that is safe in one variant and not in another is shown as both', () => {
  const [plain, hasty] = pairsText(cells, false).split('appointment/hasty');
  expect(plain).toMatch(/^appointment\/plain\n +1 +2 +3\n 1 old *\n 2 new +✓ *\n 3 slow +\? +–/);
  expect(hasty).toMatch(/^\n +1 +2\n 1 old *\n 2 new +✗/);
  expect(hasty).toContain('preemptions + event: ≤ 2, ≤ 1 + 1 event\n');
});

test('timelines stand below both tables where they are asked for', () => {
  const [, unsafe] = cells;
  if (!unsafe) throw new Error('there is no cell');
  for (const text of [exploredText, pairsText]) {
    expect(text([unsafe], false)).not.toContain('select 1 < 2');
    expect(text([unsafe], true)).toContain('old ‖ new: 3 orders violate\n\n1 | select 1 < 2');
  }
});
