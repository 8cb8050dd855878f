/** `npm run bench:explore`: executions per second of the explorer, beside the floor of the same run. */
import { parseArgs } from 'node:util';
import { openServices } from '../../src/services/index.ts';
import { measureSpeed, type Speed } from '../explore/explore-floor.ts';
import { speedScenarios } from '../explore/explore-speed-scenarios.ts';
import { spreadOf } from '../lab/statistics.ts';
import { figure } from '../page/format.ts';

const { values } = parseArgs({
  options: {
    repetitions: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds is a number above 0');
const repetitions = Number(values.repetitions);
if (!Number.isInteger(repetitions) || repetitions < 1 || repetitions > 100)
  throw new Error('--repetitions is a number from 1 to 100');

const services = await openServices({
  redisNodeCount: 0,
  durable: false,
  report: line => process.stderr.write(`${line}\n`),
});
const measured = new Map<string, Speed[]>(speedScenarios.map(({ name }) => [name, []]));
try {
  const servers = { pgUrl: services.postgres.url, redisUrls: [services.redis.url] };
  // a machine that slows down for a while slows one repetition of each, and not one scenario
  for (let repetition = 0; repetition <= repetitions; repetition += 1)
    for (const scenario of speedScenarios) {
      const speed = await measureSpeed(scenario, servers, seconds);
      if (repetition > 0) measured.get(scenario.name)?.push(speed); // before that code was cold
    }
} finally {
  await services.close();
}
const told = values.json ? `${JSON.stringify(Object.fromEntries(measured), null, 2)}\n` : table();
process.stdout.write(told);

/** Medians (lowest–highest); shares are taken inside each repetition. */
function table(): string {
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
