import { expect, test } from 'vitest';
import { casesOf, untested, withTests } from '../../bench/report/cases.ts';

const page = [
  '| case | when | where |',
  '| --- | --- | --- |',
  '| `double-tap` | twice | old |',
  '| `tap` | once | old |',
].join('\n');

test('a case is found in the title of a test, of a table of tests and of a group', () => {
  const where = (text: string) =>
    withTests(page, [{ path: 'test/a.test.ts', text }]).split('\n')[2];
  for (const text of [
    "test('double-tap: one appointment', () => {});",
    "describe('two taps (double-tap)', () => {",
    "test.each([\n  ['a', 1],\n])('double-tap: %s', () => {",
    'it.skip(`double-tap`, () => {',
  ])
    expect(where(text), text).toBe(
      '| `double-tap` | twice | [test/a.test.ts](../test/a.test.ts) |',
    );
});

test('not in a comment, and not as a part of another name', () => {
  const text = "// test of tap\ntest('double-tap: one appointment', () => {});";
  expect(withTests(page, [{ path: 'test/a.test.ts', text }]).split('\n')[3]).toBe(
    `| \`tap\` | once | ${untested} |`,
  );
});

test('the names are those of the rows', () => {
  expect(casesOf(page)).toEqual(['double-tap', 'tap']);
});
