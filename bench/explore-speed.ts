/** `npm run bench:explore`: executions per second of the explorer, beside the floor of the same run. */
import { parseArgs } from 'node:util';
import { openServices } from '../src/services/index.ts';
import { measureSpeed, type Speed } from './explore-floor.ts';
import { speedScenarios } from './explore-speed-scenarios.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false } },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) throw new Error('--seconds is a number above 0');

const services = await openServices({
  redisNodeCount: 0,
  durable: false,
  report: line => process.stderr.write(`${line}\n`),
});
const measured: Speed[] = [];
try {
  const servers = { pgUrl: services.postgres.url, redisUrls: [services.redis.url] };
  for (const scenario of speedScenarios)
    measured.push(await measureSpeed(scenario, servers, seconds));
} finally {
  await services.close();
}
process.stdout.write(values.json ? `${JSON.stringify(measured, null, 2)}\n` : table(measured));

function table(rows: readonly Speed[]): string {
  const head = [
    'scenario',
    'executions/s',
    'floor/s',
    'of the floor',
    'aim',
    'callers alone/s',
    'of the callers',
    'steps',
    'waits',
  ];
  const cells = rows.map(row => [
    row.scenario,
    row.perSecond.toFixed(0),
    row.floorPerSecond.toFixed(0),
    `${Math.round(row.share * 100)} %`,
    `${row.aim * 100} %`,
    row.callersPerSecond.toFixed(0),
    `${Math.round((row.perSecond / row.callersPerSecond) * 100)} %`,
    row.stepsEach.toFixed(1),
    row.waitsEach.toFixed(1),
  ]);
  return [head, head.map(() => '---'), ...cells].map(line => `| ${line.join(' | ')} |\n`).join('');
}
