/** `lockstep what-if race.config.ts`: the same callers under each cure that the wire allows. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { loadConfig } from '../../src/explore/config-file.ts';
import { whatIfText } from '../../src/scan/what-if/table.ts';
import { type WhatIf, whatIf } from '../../src/scan/what-if/what-if.ts';
import { openExploreServers } from '../explore/servers.ts';
import { commandOf, option, readTable, UsageError } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { flag, wholeNumber } from '../lab/option-values.ts';
import type { CliCommand } from './command.ts';

const table = {
  seconds: option<number | undefined>({
    flags: '--seconds <n>',
    text: 'limit for each cure (default: 60)',
    read: wholeNumber(1, 86_400),
    fallback: undefined,
  }),
  preemptions: option<number | undefined>({
    flags: '--preemptions <n>',
    text: 'switches away from a caller that could continue (default: 2, or what the config says)',
    read: wholeNumber(0, 100),
    fallback: undefined,
  }),
  json: flag('--json', 'print the result as JSON'),
  markdown: flag('--markdown', 'print the table as Markdown'),
};

export const command: CliCommand = {
  form,
  async run({ argv, environment, signal, write, note }) {
    const command = form();
    const read = readTable(command, table, argv);
    const [file] = command.args;
    if (file === undefined) throw new UsageError('which race.config.ts?');
    const config = await loadConfig(resolve(file));
    const named = {
      pgUrl: environment.DATABASE_URL || undefined,
      redisUrls: environment.REDIS_URL ? [environment.REDIS_URL] : undefined,
    };
    const opened = await openExploreServers(named, { note, signal });
    try {
      const { pgUrl, redisUrls } = opened;
      const found = await whatIf(config, {
        ...config,
        ...(read.seconds !== undefined && { secondsMax: read.seconds }),
        ...(read.preemptions !== undefined && { preemptions: read.preemptions }),
        servers: { pgUrl, redisUrls },
        signal,
      });
      write(read.json ? json(found) : whatIfText(found, config.title ?? file, read.markdown));
      return signal.aborted ? exitCodes.interrupted : codeOf(found);
    } finally {
      await opened.close();
    }
  },
};

function form(): Command {
  return commandOf(
    'what-if',
    'Runs the callers of a config under each cure that the wire allows, without touching their code.',
    table,
  ).argument('<config>', 'a race.config.ts whose default export is a Race');
}

/** 0 where there was something to cure, and every cure that applies was tried to its end. */
function codeOf({ rows, asIs }: WhatIf): number {
  if (rows.length === 0) {
    const right = asIs.outcome === 'safe' || asIs.outcome === 'independent';
    return right ? exitCodes.asClaimed : exitCodes.inconclusive;
  }
  const open = rows.some(({ tried }) => tried && (!tried.exhausted || tried.notJudged > 0));
  return open ? exitCodes.inconclusive : exitCodes.asClaimed;
}

function json(found: WhatIf): string {
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Map ? Object.fromEntries(value) : value;
  return `${JSON.stringify(found, plain, 2)}\n`;
}
