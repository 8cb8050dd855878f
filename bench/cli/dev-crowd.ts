/**
 * `npm run dev:crowd`: many callers on one key of the running service. What is done for callers that
 * have left, what others wait beside a hot key, and how late the last of 2 000 is answered.
 */
import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { atOnce, beside, leaving, type Place } from '../crowd/situations.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, whole } from '../lab/option-values.ts';
import { openServers, openStack } from '../lab/stack.ts';
import { laid } from '../page/columns.ts';
import type { CliCommand } from './command.ts';

const situations = ['leaving', 'beside', 'at-once'] as const;
const connections = 2_000;

const table = {
  strategies: option<readonly string[]>({
    flags: '--strategy <names>',
    text: 'strategies, with commas between',
    read: text => nameList(text),
    fallback: ['row-lock', 'redis-lease'],
  }),
  situations: option<readonly string[]>({
    flags: '--situation <names>',
    text: `any of ${situations.join(', ')}, with commas between`,
    read: text => nameList(text),
    fallback: situations,
  }),
  seconds: whole('--seconds <n>', 'length of the load of callers that leave', [1, 600], 10),
  samples: whole('--samples <n>', 'commands beside the hot key', [20, 10_000], 300),
};

function form(): Command {
  return commandOf('dev-crowd', 'Measures many callers on one key of the running service.', table);
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note, environment }) {
    const asked = readTable(form(), table, argv);
    const services = await openServers({ environment, report: note, signal });
    setMaxListeners(2 * connections, signal); // one for each that waits for its answer
    const rows: string[][] = [];
    try {
      const options = { environment, report: note, signal, processes: 1, strategyFiles: [] };
      const stack = await openStack(services, options);
      const { databaseUrl, processUrls } = stack;
      const place = { url: processUrls[0] ?? '', databaseUrl, signal };
      try {
        for (const strategy of asked.strategies)
          for (const situation of asked.situations) {
            note(`${strategy}: ${situation}`);
            const figures = await Promise.race([
              figuresOf(place, strategy, situation, asked),
              stack.ended,
            ]);
            rows.push([strategy, situation, figures]);
          }
      } finally {
        await stack.close();
      }
    } finally {
      await services.close();
    }
    write(`${laid(rows, 'lll').join('\n')}\n`);
    return exitCodes.asClaimed;
  },
};

async function figuresOf(
  place: Place,
  strategy: string,
  situation: string,
  { seconds, samples }: { readonly seconds: number; readonly samples: number },
): Promise<string> {
  if (situation === 'leaving') {
    const { done, acknowledged, perSecond } = await leaving(place, strategy, seconds);
    const share = done === 0 ? 0 : (done - acknowledged) / done;
    return `${done} done, ${(share * 100).toFixed(1)} % for nobody; ${perSecond.toFixed(1)}/s acknowledged`;
  }
  if (situation === 'beside') {
    const { aloneMs, besideHeldMs, besideBusyMs, refused } = await beside(place, strategy, samples);
    const times = (ms: number): string => `${ms.toFixed(1)} ms (${(ms / aloneMs).toFixed(1)} x)`;
    return `p99 alone ${aloneMs.toFixed(1)} ms, beside a held key ${times(besideHeldMs)}, beside a busy key ${times(besideBusyMs)}; ${refused} not accepted`;
  }
  const { lastMs, partsMs, statuses } = await atOnce(place, strategy, connections);
  const [before, inside, after] = partsMs.map(ms => ms.toFixed(0));
  return `${connections} at once: the last answer after ${lastMs.toFixed(0)} ms (at most ${before} before the service began, ${inside} in it, ${after} after it); ${JSON.stringify(statuses)}`;
}
