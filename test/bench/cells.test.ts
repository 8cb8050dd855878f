import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { differs, estimateOf } from '../../bench/load/estimate.ts';
import { readSettings } from '../../bench/load/k6/settings.ts';
import { arrivalsOf, workloads } from '../../bench/load/k6/workloads.ts';
import { readBenchOptions, workloadNames } from '../../bench/load/options.ts';
import { nameOf, planOf, pointOf, serviceRunsOf } from '../../bench/load/plan.ts';
import { loadReport } from '../../bench/load/report.ts';
import type { CellResult } from '../../bench/load/schema.ts';
import { type BenchSummary, summarizeBench } from '../../bench/load/summary.ts';
import { sectionsCsv } from '../../bench/page/csv.ts';
import { reportHtml } from '../../bench/page/html.ts';
import { reportMarkdown } from '../../bench/page/markdown.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import type { ScenarioCalls } from '../../src/scenarios/calls.ts';
import { exampleBench } from './example-bench.ts';
import { phase } from './example-run.ts';

const registry = await loadRegistry([]);
const read = (...argv: string[]) => readBenchOptions([...argv, '--seed', '7']);

describe('the command line of bench', () => {
  test('knows the workloads of the k6 scripts, and each of them has arrivals', () => {
    expect([...workloadNames].sort()).toEqual(Object.keys(workloads).sort());
    for (const workload of workloadNames) {
      const settings = readSettings({ BASE_URL: 'http://127.0.0.1:1', WORKLOAD: workload });
      const { commands, seconds, commandsPerKey } = arrivalsOf(settings);
      expect([commands > 0, seconds > 0, commandsPerKey > 0]).toEqual([true, true, true]);
    }
  });

  test.each([
    [['--workload', 'fast'], /unknown workload 'fast'; expected one of smoke/],
    [['--spread', 'warm'], /unknown spread 'warm'/],
    [['--rate', '0'], /from 1 to 100000/],
    [['--points', '1'], /--points needs --sweep/],
    [['--sweep', 'colour'], /unknown sweep 'colour'; expected one of contenders/],
    [['--filter', '('], /regular expression/],
    [['--unknown'], /unknown option/],
  ])('refuses %j with words', (argv, words) => {
    expect(() => read(...argv)).toThrow(words);
  });

  test('refuses a strategy, a scenario and a filter that name nothing', () => {
    expect(() => planOf(registry, read('--strategy', 'nothing'))).toThrow(/there is no strategy/);
    expect(() => planOf(registry, read('--scenario', 'nothing'))).toThrow(/unknown scenario/);
    expect(() => planOf(registry, read('--filter', 'nothing'))).toThrow(/no cells to run/);
  });
});

describe('the plan of a bench', () => {
  const options = read(
    ...['--strategy', 'row-lock,atomic-update', '--scenario', 'appointment,gift-card'],
    ...['--workload', 'average,burst', '--repetitions', '2'],
  );
  const { cells, notOffered } = planOf(registry, options);

  test('has every cell once per repetition, with the control, and says what is not offered', () => {
    expect(new Set(cells.map(cell => cell.id)).size).toBe(cells.length);
    // appointment has no conditional update: row-lock and the control; gift-card has all three
    expect(cells).toHaveLength((2 + 3) * 2 * 2);
    expect(notOffered).toEqual([
      { cell: 'appointment/atomic-update', because: expect.stringContaining('conditional update') },
    ]);
  });

  test('runs each cell once, in an order that the seed repeats', () => {
    const order = (seed: number) =>
      serviceRunsOf(cells, seed).flatMap(run => run.cells.map(cell => cell.id));
    expect([...order(1)].sort()).toEqual(cells.map(cell => cell.id).sort());
    expect(order(1)).toEqual(order(1));
    expect(order(2)).not.toEqual(order(1));
  });

  test.each([
    ['contenders', [1, 8]],
    ['keys', [1, 100]],
    ['processes', [1, 3]],
    ['latency', [0, 5]],
    ['commit', [0, 1]],
    ['hold', [0.1, 3]],
  ])(
    'a sweep of %s has a point for each value, and a service for each that needs one',
    (axis, points) => {
      const swept = planOf(
        registry,
        read(
          '--sweep',
          axis,
          '--points',
          points.join(),
          '--strategy',
          'row-lock',
          '--repetitions',
          '1',
        ),
      );
      const mine = swept.cells.filter(cell => cell.plan.strategy === 'row-lock');
      expect(mine.map(cell => pointOf(cell.plan)).map(at => Number(at.toFixed(6)))).toEqual(points);
      const services = axis === 'contenders' || axis === 'keys' ? 1 : points.length;
      expect(serviceRunsOf(swept.cells, 1)).toHaveLength(services);
    },
  );
});

describe('an estimate', () => {
  test('has the interval of Student’s t', () => {
    // n = 5, s = 1.5811, t = 2.776: 2.776 * 1.5811 / sqrt(5)
    const made = estimateOf([1, 2, 3, 4, 5, null, undefined]);
    expect(made).toMatchObject({ mean: 3, repetitions: 5 });
    expect(made?.plusMinus).toBeCloseTo(1.963, 3);
  });

  test('of one repetition has none, and of none there is none', () => {
    expect(estimateOf([4])).toEqual({ mean: 4, repetitions: 1, values: [4], plusMinus: null });
    expect(estimateOf([null])).toBeUndefined();
  });

  test('differs from another only beyond both intervals', () => {
    const at = (mean: number, plusMinus: number | null) => ({
      mean,
      plusMinus,
      repetitions: 5,
      values: [],
    });
    expect(differs(at(10, 1), at(12, 1))).toBe(true);
    expect(differs(at(10, 1), at(11, 1))).toBe(false);
    expect(differs(at(10, null), at(99, 1))).toBe(false);
  });
});

describe('the report of a bench', () => {
  const { plan, result } = exampleBench;
  const full = exampleBench.cells;
  const markdown = (summary: BenchSummary) => reportMarkdown(loadReport(summary));
  const rowsOf = (cells: readonly CellResult[]) => summarizeBench({ plan, cells }, registry);
  const row = (cells: readonly CellResult[], strategy: string) =>
    rowsOf(cells).rows.find(one => one.plan.strategy === strategy);

  test('sets goodput by the audit, and calls a hazard unsafe', () => {
    expect(row(full, 'row-lock')).toMatchObject({ observed: 'safe', claimBroken: '' });
    expect(row(full, 'unprotected')).toMatchObject({
      observed: 'unsafe',
      claimBroken: '',
      violations: { duplicates: 70 },
    });
    expect(row(full, 'row-lock')?.figures.goodputPerSecond?.mean).toBeCloseTo(3.5);
    expect(row(full, 'unprotected')?.figures.goodputPerSecond?.mean).toBeCloseTo(2.5);
  });

  test('knows the control by what it does, and no hazard that is predicted in the same words', () => {
    const none = full[2];
    const cell = {
      id: 'another hazard',
      repetition: 1,
      plan: { ...none.plan, scenario: 'calendar', strategy: 'insert-where' },
    };
    const beside = { ...plan, cells: [...plan.cells, cell] };
    const { rows } = summarizeBench(
      { plan: beside, cells: [...full, { ...none, ...cell }] },
      registry,
    );
    expect(rows.filter(({ claimed }) => claimed.verdict === 'unsafe')).toHaveLength(2);
    expect(rows.filter(({ control }) => control).map(({ plan }) => plan.strategy)).toEqual([
      'unprotected',
    ]);
  });

  test('says that a claim was violated', () => {
    const broken = [...full.slice(1), result('row-lock', 1, { accepted: 30, duplicates: 1 })];
    expect(row(broken, 'row-lock')).toMatchObject({
      observed: 'unsafe',
      claimBroken: 'it claims safety',
    });
  });

  test('never calls a missing repetition or one that nobody audited good', () => {
    const summary = rowsOf(full.slice(1));
    expect(summary.missing).toEqual(['appointment.row-lock.average.hot.r1']);
    const text = markdown(summary);
    expect(text).toContain('Incomplete: 1 cells');
    expect(text).toContain('? 1 of 2 repetitions are missing');
    const first = full[0];
    if (!first?.k6) throw new Error('the example has no result');
    const unaudited = [{ ...first, k6: { ...first.k6, audited: false } }, ...full.slice(1)];
    expect(row(unaudited, 'row-lock')?.observed).toBe('inconclusive');
    const told = rowsOf(unaudited);
    expect(markdown(told)).toMatch(
      /longer --duration or fewer --iterations: appointment\.row-lock\.average\.hot\./,
    );
    expect(text).not.toContain('--iterations');
  });

  test('says where the load was over before the service was looked at', () => {
    const { service: whole } = phase([]);
    const [first, ...rest] = full;
    if (!first) throw new Error('the example has no result');
    const told = rowsOf([{ ...first, service: { load: null, whole } }, ...rest]);
    expect(markdown(told)).toMatch(
      /more --iterations or a shorter --warm-up: appointment\.row-lock\.average\.hot\./,
    );
    const load = {
      ...whole,
      commands: { accepted: { bounds: [1], counts: [3, 0], sum: 1, count: 3 } },
    };
    const usual = rowsOf([{ ...first, service: { load, whole } }, ...rest]);
    expect(markdown(usual)).not.toContain('--warm-up');
  });

  test('never calls a cell good in which nothing was accepted', () => {
    const idle = [1, 2].map(repetition => result('row-lock', repetition, { accepted: 0 }));
    const summary = rowsOf([...idle, ...full.slice(2)]);
    expect(row([...idle, ...full.slice(2)], 'row-lock')?.observed).toBe('inconclusive');
    expect(markdown(summary)).toContain('? nothing was accepted');
  });

  test('marks percentiles beside drops, and says the same in all forms', () => {
    const [first, ...rest] = full;
    if (!first?.k6) throw new Error('the example has no result');
    const summary = rowsOf([{ ...first, k6: { ...first.k6, dropped: 9 } }, ...rest]);
    const report = loadReport(summary);
    expect(reportMarkdown(report)).toMatch(/row-lock.*\| 9 \|[\s\S]*row-lock.*saturated/);
    const page = reportHtml(report);
    expect(page).not.toMatch(/https?:\/\/|src=/);
    for (const form of [page.replaceAll('<wbr>', ''), sectionsCsv(report.sections)])
      expect(form).toContain('appointment.row-lock');
  });
});

describe('the calls of a scenario', () => {
  test.each([...registry.scenarios])('%s: are what the service offers', async (name, scenario) => {
    const { calls }: { readonly calls: ScenarioCalls } = await import(
      `../../src/scenarios/${name}/calls.ts`
    );
    const { exhaustedReasons, routes, path, variants } = scenario.registered;
    expect(calls.exhaustedReasons).toBe(exhaustedReasons);
    const kinds = new Set(Array.from({ length: 100 }, (_, index) => calls.kindOf(index, 8)));
    expect([...kinds].sort()).toEqual(
      ['plain', ...Object.keys(variants.plain?.rounds ?? {})].sort(),
    );
    const posts = routes.filter(({ method }) => method === 'post').map(route => route.path);
    for (const kind of kinds) {
      const contention = { kind, rivals: 8, calls: 8 };
      const ids = Array.from({ length: 8 }, (_, rival) => String(rival + 1));
      const sent = ids.map((_, rival) => calls.call({ id: '7', ids }, rival, contention));
      for (const call of sent)
        expect([call.path, offers([path], call.path)]).toEqual([call.path, true]);
      expect(new Set(sent.map(({ actor }) => actor)).size).toBe(8);
      const makes = [calls.makeKey(0, contention), calls.makeForRival?.('7', 0)];
      for (const made of makes)
        if (made) expect([made.path, offers(posts, made.path)]).toEqual([made.path, true]);
      expect(calls.capacity(contention)).toBeGreaterThan(0);
    }
  });

  test.each([...registry.scenarios.keys()])('%s: k6 needs nothing else to read them', name => {
    const file = new URL(`../../src/scenarios/${name}/calls.ts`, import.meta.url);
    const imports = readFileSync(file, 'utf8').match(/^import .*|\b(import|require)\(.*/gm) ?? [];
    expect(imports.filter(line => !line.startsWith('import type '))).toEqual([]);
  });

  const offers = (paths: readonly string[], sent: string): boolean =>
    paths.some(path => new RegExp(`^${path.replace(/:\w+/g, '\\d+')}$`).test(sent));
});

test('a cell is named after what it is', () => {
  const [cell] = planOf(registry, read('--sweep', 'latency', '--points', '5')).cells;
  expect(cell && nameOf(cell.plan)).toMatch(/^appointment\.[\w-]+\.average\.hot\.latency=5$/);
});
