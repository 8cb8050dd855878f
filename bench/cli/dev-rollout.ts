/** `npm run dev:rollout`: explores changes from one strategy to another. */
import type { Command } from 'commander';
import { loadRegistry } from '../../src/engine/registry.ts';
import { openServices } from '../../src/services/index.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { number } from '../lab/option-values.ts';
import { changes, exploreChange } from '../rollout/explored-changes.ts';
import type { CliCommand } from './command.ts';

const table = {
  preemptions: option<number>({
    flags: '--preemptions <n>',
    text: 'how often a caller may be stopped without need',
    read: number(0, 4),
    fallback: 2,
  }),
  seconds: option<number>({
    flags: '--seconds <n>',
    text: 'limit for each change',
    read: number(1, 86_400),
    fallback: 600,
  }),
};

function form(): Command {
  return commandOf(
    'dev-rollout',
    'Explores changes of strategy with callers in between; the last row has no proof, as a control.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const { preemptions, seconds: secondsMax } = readTable(form(), table, argv);
    const registry = await loadRegistry([]);
    const services = await openServices({
      ...{ redisNodeCount: 3, durable: false, report: note, signal },
    });
    try {
      const redisNodeUrls = services.redisNodes.map(({ url }) => url);
      const servers = { pgUrl: services.postgres.url, redisUrl: services.redis.url, redisNodeUrls };
      const options = { servers, preemptions, secondsMax, signal };
      let open = false;
      for (const change of changes) {
        const found = await exploreChange(registry, change, options);
        write(`${change.join(' -> ')}: ${found.outcome}, ${found.why}\n`);
        open ||= found.outcome !== 'safe';
      }
      const naive = await exploreChange(registry, ['row-lock', 'advisory-transaction'], {
        ...{ ...options, naive: true },
      });
      write(`row-lock -> advisory-transaction by a flag: ${naive.outcome}, ${naive.why}\n`);
      if (naive.outcome !== 'unsafe') return exitCodes.inconclusive;
      return open ? exitCodes.inconclusive : exitCodes.asClaimed;
    } finally {
      await services.close();
    }
  },
};
