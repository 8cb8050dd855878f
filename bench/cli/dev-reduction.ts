/**
 * `npm run dev:reduction`: explores generated programs with and without reduction; the sets of outcomes
 * must be equal. With `--saved`: shows how much reduction saves on ten programs.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Command } from 'commander';
import { openServices, type Services } from '../../src/services/index.ts';
import { themeNames } from '../explore/reduction/generate.ts';
import { lineOf, resultOf, summaryOf } from '../explore/reduction/report.ts';
import { tryPrograms } from '../explore/reduction/run.ts';
import { measureSaved, savedTable } from '../explore/reduction/saved.ts';
import { parsed, UsageError, wholeNumber } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand, CommandContext } from './command.ts';

interface Read {
  readonly programs: number;
  readonly from: number;
  readonly seed: number;
  readonly orders: number;
  readonly seconds: number;
  readonly shrink: number;
  readonly theme?: string;
  readonly out?: string;
  readonly verbose?: true;
  readonly saved?: true;
}

export const command: CliCommand = {
  form,
  async run(context) {
    const read = parsed<Read>(form(), context.argv);
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
  return new Command('lockstep dev-reduction')
    .description(
      'Explores generated programs with and without reduction, and compares the outcomes.',
    )
    .option('--programs <n>', 'number of programs', wholeNumber(1, 100_000), 300)
    .option('--from <n>', 'number of the first program', wholeNumber(0, 1_000_000), 0)
    .option('--seed <n>', 'seed of the generator', wholeNumber(0, 999_999_999), 1)
    .option('--orders <n>', 'at most so many orders per program', wholeNumber(1, 100_000), 2000)
    .option('--seconds <n>', 'limit for the run; with --saved, per search', wholeNumber(1, 86_400))
    .option('--shrink <n>', 'seconds for shrinking one program', wholeNumber(0, 3600), 60)
    .option('--theme <name>', `only programs of this theme: ${themeNames.join(', ')}`)
    .option('--out <file>', 'write the figures to this file, as JSON')
    .option('--saved', 'only show how much reduction saves on ten programs')
    .option('--verbose', 'print every program');
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
  if (offset < 0)
    throw new UsageError(`unknown theme '${theme}'; expected one of ${themeNames.join(', ')}`);
  const apart = theme === undefined ? 1 : themeNames.length;
  return Array.from({ length: programs }, (_, at) => offset + (from + at) * apart);
}

async function save(path: string, result: object): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
}
