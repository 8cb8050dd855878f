import { describe, expect, test } from 'vitest';
import { isAsPlanned, phasesOf } from '../../bench/load/k6/phases.ts';
import { readSettings } from '../../bench/load/k6/settings.ts';
import { arrivalsOf } from '../../bench/load/k6/workloads.ts';

function phasesUnder(given: Record<string, string>) {
  const settings = readSettings({ BASE_URL: 'http://127.0.0.1:1', ...given });
  return phasesOf(settings, arrivalsOf(settings)).scenarios;
}

describe('the phases that k6 was told to run', () => {
  const planned = phasesUnder({ WORKLOAD: 'average', BYSTANDERS: '5' });
  const once = { executor: 'shared-iterations', vus: 1, iterations: 1 } as const;

  test('are as planned without a flag', () => {
    expect(Object.keys(planned)).toContain('audit');
    expect(isAsPlanned(planned, { ...planned })).toBe(true);
  });

  test.each(Object.keys(planned))('are not without %s, as --scenario may leave it out', name => {
    const { [name]: _, ...others } = planned;
    expect(isAsPlanned(planned, others)).toBe(false);
  });

  test('are not where --vus or --iterations made one of their own', () => {
    expect(isAsPlanned(planned, { default: once })).toBe(false);
  });

  test('are not where --once sends a single command', () => {
    const burst = phasesUnder({ WORKLOAD: 'burst', WARM_UP_SECONDS: '0' });
    expect(Object.keys(burst)).toEqual(['load']);
    expect(isAsPlanned(burst, { load: once })).toBe(false);
  });
});
