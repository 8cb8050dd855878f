import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { furtherCharts } from '../../grafana/boards/further.ts';
import { boards } from '../../grafana/boards/index.ts';
import { metricRows } from '../../src/telemetry/metrics.ts';
import { runtimeMetrics } from '../../src/telemetry/runtime.ts';
import { root } from '../house/sources.ts';

/** As Grafana would read it: only what the rules look at. */
interface Panel {
  readonly type: string;
  readonly id: number;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid: string };
  readonly gridPos: {
    readonly x: number;
    readonly y: number;
    readonly w: number;
    readonly h: number;
  };
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } };
  readonly targets?: readonly {
    readonly expr: string;
    readonly legendFormat: string;
    readonly refId: string;
    readonly datasource: { readonly uid: string };
  }[];
}
interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly editable: boolean;
  readonly tags: readonly string[];
  readonly templating: {
    readonly list: readonly {
      readonly name: string;
      readonly type: string;
      readonly multi: boolean;
      readonly includeAll: boolean;
      readonly allValue?: string;
      readonly label: string;
    }[];
  };
  readonly panels: readonly Panel[];
}

const folder = join(root, 'grafana', 'dashboards');
const dashboards: readonly (readonly [string, Dashboard])[] = readdirSync(folder).map(file => [
  file,
  JSON.parse(readFileSync(join(folder, file), 'utf8')),
]);
const panels = dashboards.flatMap(([file, { panels: all }]) =>
  all
    .filter(({ type }) => type !== 'row')
    .map(panel => [`${file}: ${panel.title}`, panel] as const),
);
const queries = panels.flatMap(([name, { targets = [] }]) =>
  targets.map(({ expr }) => [name, expr] as const),
);
const fromElsewhere = /\b(k6|pg|redis)_\w+/;

/** The rules of https://github.com/grafana/dashboard-linter, as far as they are about dashboards of ours. */
describe('dashboards', () => {
  test('are those that there are boards for', () => {
    expect(dashboards.map(([file]) => file).sort()).toEqual(
      [...boards.keys()].map(name => `${name}.json`).sort(),
    );
    expect(new Set(dashboards.map(([, { uid }]) => uid)).size).toBe(boards.size);
  });

  test.each(dashboards)('%s chooses the data source, job and replicas', (_, dashboard) => {
    const variables = new Map(dashboard.templating.list.map(one => [one.name, one]));
    expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    for (const name of ['job', 'instance'])
      expect(variables.get(name)).toMatchObject({
        type: 'query',
        multi: true,
        includeAll: true,
        allValue: '.+',
      });
    expect(variables.has('scenario')).toBe(true);
    expect(variables.has('strategy') || (variables.has('old') && variables.has('new'))).toBe(true);
    for (const { label } of dashboard.templating.list) expect(label).not.toBe('');
  });

  test.each(dashboards)('%s is not edited by hand, and is found by its tag', (_, dashboard) => {
    expect(dashboard).toMatchObject({ editable: false, tags: ['lockstep'] });
  });

  test.each(dashboards)('%s has no two panels in one place or of one id', (_, { panels: all }) => {
    const drawn = all.filter(({ type }) => type !== 'row');
    expect(new Set(drawn.map(({ id }) => id)).size).toBe(drawn.length);
    const cells = all.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(all.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});

describe('panels', () => {
  test.each(panels)('%s has title, description, unit and data source', (_, panel) => {
    expect(panel.title).toMatch(/^[A-Zk]/);
    expect(panel.description).toMatch(/\.(\n|$)/);
    expect(panel.fieldConfig?.defaults.unit).toBeTruthy();
    expect(panel.datasource?.uid).toBe('$' + '{datasource}');
    expect(panel.targets?.length).toBeGreaterThan(0);
    for (const target of panel.targets ?? []) {
      expect(target.datasource.uid).toBe('$' + '{datasource}');
      if (panel.type !== 'table') expect(target.legendFormat).not.toBe('');
    }
    const ids = (panel.targets ?? []).map(({ refId }) => refId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(queries)('%s: narrowed by job and instance: %s', (_, expr) => {
    if (fromElsewhere.test(expr)) return; // an exporter's or k6's
    const matchers = expr.match(/\{[^}]*\}/g) ?? [];
    expect(matchers.length).toBeGreaterThan(0);
    for (const matcher of matchers) {
      expect(matcher).toContain('job=~"$job"');
      expect(matcher).toContain('instance=~"$instance"');
    }
  });

  test.each(queries)('%s: takes rates over what Grafana says: %s', (_, expr) => {
    for (const [range] of expr.matchAll(/\[[^\]]+\]/g))
      expect(['[$__rate_interval]', '[$__range]']).toContain(range);
    const counters = [...expr.matchAll(/(\w*)\(?\b(\w+_(?:total|bucket|sum|count))\{/g)];
    for (const [, around = '', name] of counters)
      if (name !== 'lockstep_violations_total' && name !== 'lockstep_audit_sweep_laps_total')
        expect(['rate', 'increase']).toContain(around);
  });

  test('a metric without a panel of its own gets one by its row', () => {
    const shown = [...boards.values()];
    expect(furtherCharts(shown)).toEqual([]);
    const charts = furtherCharts([]);
    expect(charts).toHaveLength(metricRows.length);
    const exprOf = (title: string) => charts.find(one => one.title === title)?.queries[0]?.expr;
    expect(exprOf('Leases lost')).toMatch(
      /^sum by \(scenario, strategy\) \(rate\(lockstep_leases_/,
    );
    expect(exprOf('Audit duration seconds')).toMatch(/^histogram_quantile\(0\.99, sum by \(le\)/);
    expect(exprOf('Audit last success timestamp seconds')).toMatch(
      /^min by \(\) \(lockstep_audit_/,
    );
    expect(charts.find(one => one.title === 'Pool waiting')).toMatchObject({ unit: 'short' });
  });

  test('every metric that is asked for exists, and every one of ours is asked for', () => {
    const known = new Map(metricRows);
    const asked = queries.flatMap(([, expr]) =>
      [...expr.matchAll(/\b((?:lockstep|nodejs|process)_\w+)\{/g)].map(match => match[1] ?? ''),
    );
    const base = (name: string): string => name.replace(/_(bucket|sum|count)$/, '');
    const names = new Set(asked.map(name => (known.has(name) ? name : base(name))));
    const strange = [...names].filter(name => !known.has(name) && !(name in runtimeMetrics));
    expect(strange).toEqual([]);
    const never = [...known.keys(), ...Object.keys(runtimeMetrics)].filter(
      name => !names.has(name),
    );
    expect(never).toEqual([]);
  });
});
