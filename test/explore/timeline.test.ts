import { expect, test } from 'vitest';
import type { ExecutionRecord } from '../../src/explore/explore.ts';
import { timelineSvg } from '../../src/explore/timeline/svg.ts';
import { timelineMarkdown } from '../../src/explore/timeline/text.ts';

const line = { token: 'A', actor: 0, store: 'postgres' };
const record: ExecutionRecord = {
  unquiet: [],
  end: { kind: 'ended' },
  ends: [{ kind: 'returned', value: 'ok' }, { kind: 'crashed' }],
  lines: [
    { ...line, label: "update t set a = '<b>' || '&'", result: 'UPDATE 1', answeredAfter: 1 },
    {
      ...line,
      token: 'B',
      actor: 1,
      label: 'select 1 for update',
      result: '1 row',
      answeredAfter: 3,
    },
    {
      ...line,
      token: '%',
      actor: undefined,
      store: 'event',
      label: 'lease-expires',
      result: '',
      answeredAfter: 0,
    },
  ],
  violations: ['{"bookings":2}'],
  sharesState: false,
  occasions: new Set(),
  keptKeys: [],
  expired: [],
  hides: [],
  outlived: [],
  late: [],
  requests: [1, 1],
  elsewhere: [],
  waits: [],
};
const source = {
  actors: ['one', 'two'],
  counterexample: { schedule: 'v1:AB%', cost: { events: 1, preemptions: 0 }, record },
};

test('the picture is well-formed, and shows wait, event, finding and schedule', () => {
  const svg = timelineSvg(source);
  expect(svg).toContain('&lt;b&gt;');
  expect(svg).not.toMatch(/<b>/);
  for (const text of ['… waits', 'goes on', 'lease-expires', 'audit: {&quot;bookings', 'v1:AB%']) {
    expect(svg).toContain(text);
  }
  expect(svg.match(/<text/g)?.length).toBe(svg.match(/<\/text>/g)?.length);
});

test('a bar in SQL does not break the Markdown table', () => {
  const table = timelineMarkdown(source);
  expect(table).toContain("'<b>' \\|\\| '&'");
  expect(table).toContain('- audit: {"bookings":2}');
});
