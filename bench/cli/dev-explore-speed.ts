/** `npm run dev:explore-speed`: executions per second of the explorer, next to the floor of the same run. */
import type { Command } from 'commander';
import { openServices } from '../../src/services/index.ts';
import { measureSpeed, type Speed } from '../explore/explore-floor.ts';
import { speedScenarios } from '../explore/explore-speed-scenarios.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { flag, number, whole } from '../lab/option-values.ts';
import { spreadOf } from '../lab/statistics.ts';
import { figure } from '../page/format.ts';
import { tableMarkdown } from '../page/markdown.ts';
import { numbers, words } from '../page/report.ts';
import type { CliCommand } from './command.ts';

const table = {
  repetitions: whole('--repetitions <n>', 'repetitions of each program', [1, 100], 3),
  seconds: option<number>({
    flags: '--seconds <n>',
    text: 'length of each measurement',
    read: number(0.1, 3_600),
    fallback: 2,
  }),
  json: flag('--json', 'print the figures as JSON'),
};

function form(): Command {
  return commandOf(
    'dev-explore-speed',
    'Measures executions per second of the explorer, and the floor of the same run.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const { repetitions, seconds, json } = readTable(form(), table, argv);
    const services = await openServices({
      redisNodeCount: 0,
      durable: false,
      report: note,
      signal,
    });
    const measured = new Map<string, Speed[]>(speedScenarios.map(({ name }) => [name, []]));
    try {
      const servers = { pgUrl: services.postgres.url, redisUrls: [services.redis.url] };
      // repetitions outside: a machine that slows down for a while must not hit a single scenario
      for (let repetition = 0; repetition <= repetitions; repetition += 1)
        for (const scenario of speedScenarios) {
          signal.throwIfAborted();
          const speed = await measureSpeed(scenario, servers, seconds);
          if (repetition > 0) measured.get(scenario.name)?.push(speed); // repetition 0 is the warm-up
        }
    } finally {
      await services.close();
    }
    write(json ? `${JSON.stringify(Object.fromEntries(measured), null, 2)}\n` : textOf(measured));
    return exitCodes.asClaimed;
  },
};

/** Medians (lowest–highest); shares are computed within each repetition. */
function textOf(measured: ReadonlyMap<string, readonly Speed[]>): string {
  const columns = numbers(
    'executions/s',
    'floor/s',
    '% of floor',
    'target',
    'callers alone/s',
    '% of callers',
    'gates only/s',
    '% of gates',
    'steps',
    'waits',
  );
  const rows = speedScenarios.map(({ name, aim }) => {
    const speeds = measured.get(name) ?? [];
    const middle = (of: (speed: Speed) => number): number => spreadOf(speeds.map(of))?.median ?? 0;
    const share = (of: (speed: Speed) => number): string => {
      const spread = spreadOf(speeds.map(speed => (100 * speed.perSecond) / of(speed)));
      if (!spread) return '–';
      return `${spread.median.toFixed(0)} % (${spread.min.toFixed(0)}–${spread.max.toFixed(0)})`;
    };
    return [
      name,
      figure(middle(speed => speed.perSecond)),
      figure(middle(speed => speed.floorPerSecond)),
      share(speed => speed.floorPerSecond),
      `${aim * 100} %`,
      figure(middle(speed => speed.callersPerSecond)),
      share(speed => speed.callersPerSecond),
      figure(middle(speed => speed.gatedPerSecond)),
      share(speed => speed.gatedPerSecond),
      middle(speed => speed.stepsEach).toFixed(1),
      middle(speed => speed.waitsEach).toFixed(1),
    ];
  });
  return `${tableMarkdown([...words('scenario'), ...columns], rows)}\n`;
}
