/** A test file that `tools.test.ts` runs in worlds with and without the programs. */
import { accessSync } from 'node:fs';
import { expect, test } from 'vitest';
import { describeWith } from './tools.ts';

describeWith('a group that needs k6', ['k6'], pathOf => {
  test('gets a program that is there', () => {
    accessSync(pathOf('k6'));
    expect(pathOf('k6')).toBe(process.env.K6_PATH);
  });
  test('has a second test', () => {});
});
