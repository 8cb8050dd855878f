/** `npm run dev:explore-speed`: executions per second of the explorer, next to the floor of the same run. */
import { Command, InvalidArgumentError } from 'commander';
import { openServices } from '../../src/services/index.ts';
import { measureSpeed, type Speed } from '../explore/explore-floor.ts';
import { speedScenarios } from '../explore/explore-speed-scenarios.ts';
import { parsed, wholeNumber } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { spreadOf } from '../lab/statistics.ts';
import { figure } from '../page/format.ts';
import { tableMarkdown } from '../page/markdown.ts';
import { numbers, words } from '../page/report.ts';
import type { CliCommand } from './command.ts';

interface Options {
  readonly repetitions: number;
  readonly seconds: number;
  readonly json?: true;
}

function form(): Command {
  return new Command('lockstep dev-explore-speed')
    .description('Measures executions per second of the explorer, and the floor of the same run.')
    .option('--repetitions <n>', 'repetitions of each program', wholeNumber(1, 100), 3)
    .option('--seconds <n>', 'length of each measurement', positive, 2)
    .option('--json', 'print the figures as JSON')
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= 3_600) return number;
  throw new InvalidArgumentError('expected a number > 0 and ≤ 3600');
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const { repetitions, seconds, json } = parsed<Options>(form(), argv);
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
    write(json ? `${JSON.stringify(Object.fromEntries(measured), null, 2)}\n` : table(measured));
    return exitCodes.asClaimed;
  },
};

/** Medians (lowest–highest); shares are computed within each repetition. */
function table(measured: ReadonlyMap<string, readonly Speed[]>): string {
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
