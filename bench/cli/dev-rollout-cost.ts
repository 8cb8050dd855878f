/** `npm run dev:rollout-cost`: what the proof of the epoch costs a command. */
import { loadavg } from 'node:os';
import type { Command } from 'commander';
import { loadRegistry } from '../../src/engine/registry.ts';
import { openServices } from '../../src/services/index.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, whole } from '../lab/option-values.ts';
import { namedIn } from '../rollout/change-subject.ts';
import { type Cost, measureCost } from '../rollout/cost.ts';
import type { CliCommand } from './command.ts';

/** One of each kind; the last two decided in one autocommit statement. */
const usual = [
  ...['row-lock', 'advisory-transaction', 'redis-lease', 'redis-lease-fenced'],
  ...['version-column', 'serializable', 'table-lock', 'atomic-update', 'unique-slots'],
];

/** What a command may cost more, in per cent, where it had a transaction anyway. */
const goals = { 'no rollout': 3, 'during one': 10 } as const;

const table = {
  strategies: option<readonly string[]>({
    flags: '--strategies <list>',
    text: 'whose commands are measured',
    read: nameList,
    fallback: usual,
  }),
  callers: whole('--callers <n>', 'commands in flight', [1, 100], 1),
  blocks: whole('--blocks <n>', 'pairs of blocks, with the proof and without', [2, 1_000], 30),
  commands: whole('--commands <n>', 'of each caller in a block', [10, 10_000], 150),
};

function form(): Command {
  return commandOf(
    'dev-rollout-cost',
    'Measures a command with the proof of its epoch against one without, in interleaved blocks on a durable\n' +
      'Postgres. Prints a table for docs/rollout.md; needs a machine that does nothing else.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const { strategies: names, ...sizes } = readTable(form(), table, argv);
    const registry = await loadRegistry([]);
    const strategies = names.map(name => namedIn(registry, name));
    const services = await openServices({
      ...{ redisNodeCount: 0, durable: true, report: note, signal },
    });
    try {
      note(
        `load before: ${loadavg()
          .map(one => one.toFixed(1))
          .join(', ')}`,
      );
      const plan = { registry, services, strategies, signal, ...sizes };
      const costs = await measureCost(plan, cost => note(rowOf(cost)));
      note(
        `load after: ${loadavg()
          .map(one => one.toFixed(1))
          .join(', ')}`,
      );
      write(
        `${['| strategy | rollout | alone, ms | with the proof | goal |', '|---|---|--:|--:|---|', ...costs.map(rowOf)].join('\n')}\n`,
      );
      return costs.every(meets) ? exitCodes.asClaimed : exitCodes.inconclusive;
    } finally {
      await services.close();
    }
  },
};

/** Met when the upper end of the interval is. Strategies of one statement have no goal. */
function meets({ autocommit, moment, ratio }: Cost): boolean {
  return autocommit || (ratio !== undefined && ratio.high <= 1 + goals[moment] / 100);
}

function rowOf(cost: Cost): string {
  const { strategy, autocommit, moment, withoutMs, ratio } = cost;
  const percent = (value: number): string =>
    `${value >= 1 ? '+' : '−'}${Math.abs((value - 1) * 100).toFixed(1)} %`;
  const measured = ratio
    ? `${percent(ratio.middle)} (${percent(ratio.low)} to ${percent(ratio.high)})`
    : '-';
  const goal = autocommit
    ? 'none: was one statement'
    : `≤ ${goals[moment]} %: ${meets(cost) ? 'met' : 'not shown'}`;
  return `| ${strategy} | ${moment} | ${withoutMs.toFixed(2)} | ${measured} | ${goal} |`;
}
