/**
 * `npm run dev:reduction`: explores generated programs with and without reduction; the sets of outcomes
 * must be equal. With `--saved`: shows how much reduction saves on ten programs.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { openServices, type Services } from '../../src/services/index.ts';
import { themeNames } from '../explore/reduction/generate.ts';
import { lineOf, resultOf, summaryOf } from '../explore/reduction/report.ts';
import { tryPrograms } from '../explore/reduction/run.ts';
import { measureSaved, savedTable } from '../explore/reduction/saved.ts';
import { commandOf, type OptionValues, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { flag, oneOf, whole, wholeNumber } from '../lab/option-values.ts';
import type { CliCommand, CommandContext } from './command.ts';

const table = {
  programs: whole('--programs <n>', 'number of programs', [1, 100_000], 300),
  from: whole('--from <n>', 'number of the first program', [0, 1_000_000], 0),
  seed: whole('--seed <n>', 'seed of the generator', [0, 999_999_999], 1),
  orders: whole('--orders <n>', 'at most so many orders per program', [1, 100_000], 2_000),
  seconds: option<number | undefined>({
    flags: '--seconds <n>',
    text: 'limit for the run; with --saved, per search',
    read: wholeNumber(1, 86_400),
    fallback: undefined,
  }),
  shrink: whole('--shrink <n>', 'seconds for shrinking one program', [0, 3_600], 60),
  theme: option<string | undefined>({
    flags: '--theme <name>',
    text: `only programs of this theme: ${themeNames.join(', ')}`,
    read: oneOf('theme', themeNames),
    fallback: undefined,
  }),
  out: option<string | undefined>({
    flags: '--out <file>',
    text: 'write the figures to this file, as JSON',
    fallback: undefined,
  }),
  saved: flag('--saved', 'only show how much reduction saves on ten programs'),
  verbose: flag('--verbose', 'print every program'),
};
type Read = OptionValues<typeof table>;

export const command: CliCommand = {
  form,
  async run(context) {
    const read = readTable(form(), table, context.argv);
    const numbers = numbersOf(read);
    const { note, signal } = context;
    const services = await openServices({
      redisNodeCount: 0,
      durable: false,
      report: note,
      signal,
    });
    try {
      const work = read.saved ? saved : compared;
      return await work({ read, numbers, services, context });
    } finally {
      await services.close();
    }
  },
};

interface Work {
  readonly read: Read;
  readonly numbers: number[];
  readonly services: Services;
  readonly context: CommandContext;
}

function form(): Command {
  return commandOf(
    'dev-reduction',
    'Explores generated programs with and without reduction, and compares the outcomes.',
    table,
  );
}

async function compared({ read, numbers, services, context }: Work): Promise<number> {
  const { note, signal, write } = context;
  const servers = { pgUrl: services.postgres.url, redisUrls: [services.redis.url] };
  const trial = {
    seed: read.seed,
    numbers,
    ordersMax: read.orders,
    secondsMax: read.seconds ?? 7200,
    shrinkSeconds: read.shrink,
    signal,
  };
  const all = await tryPrograms(trial, servers, tried => note(lineOf(tried, read.verbose)));
  write(`seed ${read.seed}: ${summaryOf(all)}\n`);
  if (read.out !== undefined) await save(read.out, resultOf(trial, all));
  if (signal.aborted) return exitCodes.interrupted;
  if (all.some(({ compared: { kind } }) => kind === 'lost')) return exitCodes.claimBroken;
  return all.length < numbers.length ? exitCodes.inconclusive : exitCodes.asClaimed;
}

async function saved({ read, services, context: { note, write } }: Work): Promise<number> {
  const { postgres, redis } = services;
  const servers = { pgUrl: postgres.url, redisUrl: redis.url, redisNodeUrls: [] };
  const limits = { executionsMax: read.orders, secondsMax: read.seconds ?? 60 };
  const all = await measureSaved(servers, limits, one => note(JSON.stringify(one)));
  write(savedTable(all));
  if (read.out !== undefined) await save(read.out, { limits, all });
  return exitCodes.asClaimed;
}

/** Themes alternate: programs of one theme are `themeNames.length` apart. */
function numbersOf({ programs, from, theme }: Read): number[] {
  const offset = theme === undefined ? 0 : themeNames.indexOf(theme);
  const apart = theme === undefined ? 1 : themeNames.length;
  return Array.from({ length: programs }, (_, at) => offset + (from + at) * apart);
}

async function save(path: string, result: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
}
