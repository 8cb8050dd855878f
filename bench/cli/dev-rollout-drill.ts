/** `npm run dev:rollout-drill`: rollouts on real processes under load, while something befalls them. */
import type { Command } from 'commander';
import { commandOf, option, readTable, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, whole } from '../lab/option-values.ts';
import { drillCases } from '../rollout/drill/cases.ts';
import { drill, drillTable } from '../rollout/drill/drill.ts';
import type { CliCommand } from './command.ts';

const names = drillCases.map(({ name }) => name);

const table = {
  seconds: whole('--seconds <n>', 'load in each case, at least', [5, 3_600], 15),
  rate: whole('--rate <n>', 'commands per second', [1, 10_000], 150),
  pause: whole('--pause <ms>', 'how long a group may be kept closed', [1, 60_000], 250),
  cases: option<readonly string[]>({
    flags: '--cases <list>',
    text: `some of ${names.join(', ')}`,
    read: nameList,
    fallback: names,
  }),
};

function form(): Command {
  return commandOf(
    'dev-rollout-drill',
    'Moves keys from row-lock to redis-lease-fenced and back on two replicas of two processes under k6 load,\n' +
      'while a process is stopped, killed or cut off, or a store ends. Prints a table for docs/rollout.md.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note, environment }) {
    const { seconds, rate, pause: pauseMs, cases } = readTable(form(), table, argv);
    const unknown = cases.find(name => !names.includes(name));
    if (unknown !== undefined)
      throw new UsageError(`unknown case '${unknown}'; expected some of ${names.join(', ')}`);
    const given = { cases, seconds, rate, pauseMs, environment, signal };
    const results = await drill({ ...given, report: note });
    write(drillTable(results));
    const broken = results.some(one => one.broken.length > 0);
    if (broken) return exitCodes.claimBroken;
    return results.every(one => one.load.audited) ? exitCodes.asClaimed : exitCodes.inconclusive;
  },
};
