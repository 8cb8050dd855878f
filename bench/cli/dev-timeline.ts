/** `npm run dev:timeline`: one whole rollout under load as a plot, or one that a hazard sends back. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { commandOf, option, readTable, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { whole } from '../lab/option-values.ts';
import { randomOf } from '../lab/random.ts';
import { findPrometheus } from '../rollout/prometheus.ts';
import { plantedHazard, type Seen, wholeRollout } from '../rollout/whole.ts';
import type { CliCommand, CommandContext } from './command.ts';

const table = {
  hazard: option<string | undefined>({
    flags: '--hazard <strategy>',
    text: 'roll out this hazard instead, and time the way back',
    fallback: undefined,
  }),
  out: option<string>({
    flags: '--out <path>',
    text: 'where the plot and the answers of Prometheus go, without .svg and .json',
    fallback: 'results/rollout-timeline',
  }),
  seed: whole('--seed <n>', 'for the order of the keys', [0, 999_999_999], 1),
};

function form(): Command {
  return commandOf('dev-timeline', 'Runs one whole rollout on two replicas under load.', table);
}

export const command: CliCommand = {
  form,
  async run(context) {
    const { hazard, out, seed } = readTable(form(), table, context.argv);
    const random = randomOf(seed, 'keys');
    if (hazard !== undefined) return back(hazard, random, context);
    const prometheus = findPrometheus();
    if (prometheus === undefined)
      throw new UsageError('there is no Prometheus: install it, or set PROMETHEUS_PATH');
    const { queries, svg, ...seen } = await wholeRollout({ ...context, prometheus, random });
    await mkdir(dirname(out), { recursive: true });
    await writeFile(`${out}.svg`, svg);
    await writeFile(`${out}.json`, `${JSON.stringify(queries)}\n`);
    context.write(`${textOf(seen)}${out}.svg, ${out}.json\n`);
    const well = seen.ended.stage === 'healthy' && seen.violations === 0 && seen.lost === 0;
    return well ? exitCodes.asClaimed : exitCodes.claimBroken;
  },
};

async function back(
  hazard: string,
  random: () => number,
  context: CommandContext,
): Promise<number> {
  const seen = await plantedHazard({ ...context, hazard, random });
  const { secondsToFound, secondsBack, violationsUntilBack } = seen;
  context.write(
    `${textOf(seen)}first violation: found by the live audit ${secondsToFound.toFixed(1)} s later, the last ` +
      `group back ${secondsBack.toFixed(1)} s later; violations until then: ${violationsUntilBack}\n`,
  );
  return seen.ended.failed === null ? exitCodes.claimBroken : exitCodes.asClaimed;
}

function textOf({ ended, told, violations, lost }: Seen): string {
  const { sent, answers } = told;
  const log = ended.log.map(({ at, who, action }) => `  ${at}  ${who}: ${action}\n`).reverse();
  return (
    `${ended.stage} at ${ended.weight} %, ${ended.verdict}${ended.failed === null ? '' : `; failed: ${ended.failed}`}\n` +
    `${log.join('')}${sent} commands, answers ${JSON.stringify(answers)}; violations ${violations}, lost ${lost}\n`
  );
}
