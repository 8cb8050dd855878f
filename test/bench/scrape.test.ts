import { describe, expect, test } from 'vitest';
import { deltaOf, parsePage } from '../../bench/lab/scrape.ts';

const page = (factor: number): string => `
# HELP lockstep_attempts_total Attempts.
# TYPE lockstep_attempts_total counter
lockstep_attempts_total{scenario="s",strategy="a"} ${10 * factor}
lockstep_attempts_total{scenario="s",strategy="b"} ${1000 * factor}
lockstep_attempt_failures_total{scenario="s",strategy="a",code="conflict"} ${2 * factor}
lockstep_attempt_failures_total{scenario="s",strategy="a",code="deadlock"} 0
lockstep_effects_without_record_total{scenario="s",strategy="a"} ${factor}
lockstep_lock_releases_total{scenario="s",strategy="a",end="lost"} ${factor}
lockstep_leases_lost_total{scenario="s",strategy="a"} ${factor}
lockstep_attempt_phase_seconds_bucket{le="0.001",scenario="s",strategy="a",phase="wait"} ${1 * factor}
lockstep_attempt_phase_seconds_bucket{le="0.01",scenario="s",strategy="a",phase="wait"} ${4 * factor}
lockstep_attempt_phase_seconds_bucket{le="+Inf",scenario="s",strategy="a",phase="wait"} ${5 * factor}
lockstep_attempt_phase_seconds_sum{scenario="s",strategy="a",phase="wait"} ${0.5 * factor}
lockstep_attempt_phase_seconds_count{scenario="s",strategy="a",phase="wait"} ${5 * factor}
lockstep_command_duration_seconds_count{scenario="s",strategy="a",outcome="accepted"} 0
`;
const cell = { scenario: 's', strategy: 'a' };

describe('two pages of metrics', () => {
  const delta = deltaOf(parsePage(page(1)), parsePage(page(3)), cell);

  test('differ by what happened in between, for one strategy alone', () => {
    expect(delta).toMatchObject({ attempts: 20, failures: { conflict: 4 }, releases: { lost: 2 } });
    expect(delta.leasesLost).toBe(2);
    expect(delta.effectsWithoutRecord).toBe(2);
  });

  test('have histograms by bucket, the open one included', () => {
    expect(delta.phases).toEqual({
      wait: { bounds: [0.001, 0.01], counts: [2, 6, 2], sum: 1, count: 10 },
    });
  });

  test('leave out what did not happen', () => {
    expect(delta.commands).toEqual({});
    expect(Object.keys(delta.failures)).toEqual(['conflict']);
  });

  test('a series that is new counts from 0', () => {
    expect(deltaOf([], parsePage(page(1)), cell).attempts).toBe(10);
  });
});

test('label values may hold quotes, backslashes, braces and line ends', () => {
  expect(parsePage('m{a="x\\"}y\\\\z\\n",b="2"} 1.5e3 1700000000')).toEqual([
    { name: 'm', labels: { a: 'x"}y\\z\n', b: '2' }, value: 1500 },
  ]);
});

test('lines that are no samples are passed over', () => {
  expect(parsePage('# TYPE m counter\n\nnonsense\nm 1\n')).toEqual([
    { name: 'm', labels: {}, value: 1 },
  ]);
});
