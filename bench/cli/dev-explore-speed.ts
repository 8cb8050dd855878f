/** `npm run dev:explore-speed`: executions per second of the explorer, beside the floor of the same run. */
import { Command, InvalidArgumentError } from 'commander';
import { openServices } from '../../src/services/index.ts';
import { measureSpeed, type Speed } from '../explore/explore-floor.ts';
import { speedScenarios } from '../explore/explore-speed-scenarios.ts';
import { parsed, wholeNumber } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { spreadOf } from '../lab/statistics.ts';
import { figure } from '../page/format.ts';
import type { CliCommand } from './command.ts';

interface Options {
  readonly repetitions: number;
  readonly seconds: number;
  readonly json?: true;
}

function form(): Command {
  return new Command('lockstep dev-explore-speed')
    .description('Executions per second of the explorer, beside the floor of the same run.')
    .option('--repetitions <n>', 'of each program', wholeNumber(1, 100), 3)
    .option('--seconds <n>', 'of each measurement', positive, 2)
    .option('--json', 'print the figures as JSON')
    .allowExcessArguments(false)
    .showSuggestionAfterError();
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0 && number <= 3_600) return number;
  throw new InvalidArgumentError('expected a number > 0');
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
      // a machine that slows down for a while slows one repetition of each, and not one scenario
      for (let repetition = 0; repetition <= repetitions; repetition += 1)
        for (const scenario of speedScenarios) {
          signal.throwIfAborted();
          const speed = await measureSpeed(scenario, servers, seconds);
          if (repetition > 0) measured.get(scenario.name)?.push(speed); // before that code was cold
        }
    } finally {
      await services.close();
    }
    write(json ? `${JSON.stringify(Object.fromEntries(measured), null, 2)}\n` : table(measured));
    return exitCodes.asClaimed;
  },
};

/** Medians (lowest–highest); shares are taken inside each repetition. */
function table(measured: ReadonlyMap<string, readonly Speed[]>): string {
  const head = [
    'scenario',
    'executions/s',
    'floor/s',
    'of the floor',
    'aim',
    'callers alone/s',
    'of the callers',
    'through gates/s',
    'of those',
    'steps',
    'waits',
  ];
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
  return [head, head.map(() => '---'), ...rows].map(line => `| ${line.join(' | ')} |\n`).join('');
}
