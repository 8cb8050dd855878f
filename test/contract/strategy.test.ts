import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Strategy, strategy } from '../../src/contract/index.ts';

const plain: Strategy = {
  title: 'Nothing but a transaction',
  store: 'pg',
  wording: 'steps',
  isolation: 'read committed',
  turns: [],
  first: [],
  guard: [],
  adoption: {
    migration: 'none',
    everyWriterMustTakePart: true,
    poolerSafe: true,
    retryNeeded: false,
  },
};

test('a strategy that says nothing but its title is a plain transaction', () => {
  expect(strategy({ title: plain.title })).toEqual(plain);
});

test('what a strategy says of itself stands, and the rest of its adoption is as usual', () => {
  const said = {
    title: 'Compares',
    isolation: 'serializable',
    guard: ['compare version'],
  } as const;
  const adoption = { migration: 'column', retryNeeded: true } as const;
  expect(strategy({ ...said, adoption })).toEqual({
    ...plain,
    ...said,
    adoption: { ...plain.adoption, ...adoption },
  });
});

test('one that is written out in full is taken as it is', () => {
  expect(strategy(plain)).toEqual(plain);
});

test('the page on writing one shows a file of ours as it stands', () => {
  const page = readFileSync('docs/write-a-strategy.md', 'utf8');
  expect(page).toContain(readFileSync('strategies/row-lock.ts', 'utf8'));
});
