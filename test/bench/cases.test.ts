import { expect, test } from 'vitest';
import { casesOf, untested, withTests } from '../../bench/report/cases.ts';

const page = [
  '| case | when | where |',
  '| --- | --- | --- |',
  '| `example-case` | twice | old |',
  '| `case` | once | old |',
].join('\n');

test('a case is found in the title of a test, of a table of tests and of a group', () => {
  const where = (text: string) =>
    withTests(page, [{ path: 'test/a.test.ts', text }]).split('\n')[2];
  for (const text of [
    "test('example-case: one appointment', () => {});",
    "describe('a group (example-case)', () => {",
    "test.each([\n  ['a', 1],\n])('example-case: %s', () => {",
    'it.skip(`example-case`, () => {',
  ])
    expect(where(text), text).toBe(
      '| `example-case` | twice | [test/a.test.ts](../test/a.test.ts) |',
    );
});

test('not in a comment, and not as a part of another name', () => {
  const text = "// test of case\ntest('example-case: one appointment', () => {});";
  expect(withTests(page, [{ path: 'test/a.test.ts', text }]).split('\n')[3]).toBe(
    `| \`case\` | once | ${untested} |`,
  );
});

test('the names are those of the rows', () => {
  expect(casesOf(page)).toEqual(['example-case', 'case']);
});
