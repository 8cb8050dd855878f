/** `npm run dev:costs`: measures what strategies cost and how often they wait for a store. */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { loadRegistry } from '../../src/engine/registry.ts';
import { openServices } from '../../src/services/index.ts';
import { costPlaces, measureCosts } from '../advise/cost-runs.ts';
import { costsText } from '../advise/measured-costs.ts';
import { commandOf, option, readTable, repeated } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { checkWritable } from '../lab/files.ts';
import { nameList, number, strategyList, wholeNumber } from '../lab/option-values.ts';
import type { CliCommand } from './command.ts';

const table = {
  places: option<readonly string[]>({
    flags: '--place <list>',
    text: 'scenario/variant, comma-separated (default: those that advise prices)',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  strategies: option<readonly string[]>({
    flags: '--strategy <list>',
    text: 'comma-separated names (default: all without a hazard)',
    read: strategyList,
    fallback: [],
    silent: true,
  }),
  addedMs: option<number>({
    flags: '--added-ms <n>',
    text: 'milliseconds added to each exchange with one store, to count them',
    read: number(1, 1_000),
    fallback: 10,
  }),
  rounds: option<number>({
    flags: '--rounds <n>',
    text: 'contested keys per strategy; three times as many with one caller',
    read: wholeNumber(4, 1_000),
    fallback: 20,
  }),
  out: option<string>({
    flags: '--out <file>',
    text: 'where the table goes',
    fallback: 'docs/runs/costs.json',
    notRepeated: true,
  }),
  results: option<string>({
    flags: '--results <folder>',
    text: 'where the raw data of the three runs goes',
    fallback: 'results/costs',
    notRepeated: true,
  }),
};

function form(): Command {
  return commandOf(
    'dev-costs',
    'Runs compare three times, as it is and with time added to each exchange with Postgres and with Redis, ' +
      'and writes what strategies cost for advise. Five repetitions each: an hour or more.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, environment, signal, write, note }) {
    const options = readTable(form(), table, argv);
    await checkWritable(options.results);
    const registry = await loadRegistry();
    const services = await openServices({
      ...{ redisNodeCount: 3, durable: true, report: note, signal },
    });
    try {
      const costs = await measureCosts({
        ...options,
        ...{ registry, services, environment, signal, output: process.stderr },
        places: options.places.length > 0 ? options.places : costPlaces(),
        command: repeated('dev:costs', table, options),
      });
      await writeFile(options.out, costsText(costs));
      write(`${costs.cells.length} cells in ${options.out}\n`);
      return exitCodes.asClaimed;
    } finally {
      await services.close();
    }
  },
};
