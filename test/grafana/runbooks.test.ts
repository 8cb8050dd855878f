import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { alertRules } from '../../grafana/rules/alerts.ts';
import { recordingRules } from '../../grafana/rules/recording.ts';
import { metricRows } from '../../src/telemetry/metrics.ts';
import { runtimeMetrics } from '../../src/telemetry/runtime.ts';
import { root } from '../house/sources.ts';

const alerts = alertRules.map(rule => [rule.alert ?? '', rule] as const);

describe('alerts', () => {
  test.each(alerts)('%s has a severity, words, and a page that says what to do', (name, rule) => {
    expect(rule.labels?.severity).toMatch(/^(page|ticket)$/);
    expect(rule.annotations?.summary).toBeTruthy();
    expect(rule.annotations?.description).toMatch(/\.$/);
    const page = join(root, rule.annotations?.runbook ?? '');
    expect(existsSync(page)).toBe(true);
    const text = readFileSync(page, 'utf8');
    expect(text).toContain(`# ${name}\n`);
    expect(text).toContain(`Severity: ${rule.labels?.severity}.`);
    for (const part of ['What it means', 'Look at', 'Do', 'Over when'])
      expect(text).toContain(`**${part}`);
  });

  test('page for duplicates alone', () => {
    const pages = alerts.filter(([, rule]) => rule.labels?.severity === 'page');
    expect(pages.map(([name]) => name)).toEqual(['LockstepDuplicate']);
  });

  test('each page belongs to an alert', () => {
    const pages = readdirSync(join(root, 'docs', 'runbooks')).map(name => `docs/runbooks/${name}`);
    const used = alerts.map(([, rule]) => rule.annotations?.runbook);
    const procedures = ['docs/runbooks/rollout.md']; // done on purpose, not for an alert
    expect(pages.filter(page => ![...used, ...procedures].includes(page))).toEqual([]);
  });

  test('ask only for what is exported or recorded', () => {
    const recorded = recordingRules.map(({ record }) => record);
    const histograms = ['bucket', 'sum', 'count'];
    const known = new Set([
      ...metricRows.flatMap(([name]) => [name, ...histograms.map(part => `${name}_${part}`)]),
      ...Object.keys(runtimeMetrics),
      ...recorded,
    ]);
    const asked = [...alertRules, ...recordingRules].flatMap(({ expr }) =>
      [...expr.matchAll(/\b(?:lockstep|nodejs|process)[_:][\w:]+/g)].map(([name]) => name),
    );
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter(name => !known.has(name))).toEqual([]);
  });
});
