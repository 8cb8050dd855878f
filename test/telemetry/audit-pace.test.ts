import { expect, test } from 'vitest';
import { pauseMs } from '../../src/telemetry/audit-pace.ts';

const behind = { tookMs: 10, backlog: 1, failed: false };

test.each([
  ['nothing waits', 2_000, { ...behind, backlog: 0 }, 2_000],
  ['keys wait, and an audit is short', 2_000, behind, 500],
  [
    'keys wait, and an audit would take more than a thirtieth',
    2_000,
    { ...behind, tookMs: 40 },
    1_200,
  ],
  ['an audit takes long: no longer than usual', 2_000, { ...behind, tookMs: 4_000 }, 2_000],
  ['it failed: nothing is hurried', 2_000, { ...behind, failed: true }, 2_000],
  ['it runs more often than with a backlog', 100, { ...behind, tookMs: 1 }, 100],
  ['it runs more often, and takes long', 100, { ...behind, tookMs: 4_000 }, 2_000],
  ['it runs seldom, and takes long', 9_000, { ...behind, tookMs: 4_000 }, 9_000],
])('the pause between two audits: %s', (_, everyMs, last, expected) => {
  expect(pauseMs(everyMs, last)).toBe(expected);
});
