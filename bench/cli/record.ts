/** `lockstep record -- npm start`: notes what a service is asked and what it asks its servers. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeRecording } from '../../src/scan/record/recording.ts';
import { openExploreServers } from '../explore/servers.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { recordTable } from '../scan/options.ts';
import { recorded, startOf } from '../scan/recording-run.ts';
import type { CliCommand } from './command.ts';

const table = {
  ...recordTable,
  out: option<string>({
    flags: '--out <file>',
    text: 'where the recording goes',
    fallback: 'recording.json',
  }),
};

function form(): Command {
  return commandOf(
    'record',
    'Starts a service behind a recording proxy, on a database of its own.',
    table,
  ).argument('[service...]', 'the command that starts the service, behind --');
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, note }) {
    const parser = form();
    const values = readTable(parser, table, argv);
    const named = { pgUrl: values.database ?? values.server, redisUrls: undefined };
    // Ctrl-C ends the recording, which is kept: the servers stay until it is written
    const servers = await openExploreServers(named, { note, signal });
    try {
      const start = await startOf(values, servers);
      try {
        const run = { values, service: parser.args, servers, note, signal };
        const recording = await recorded(run, start);
        const file = resolve(values.out);
        await writeRecording(file, recording);
        note(`${file} (it holds what was sent, cookies and tokens included: keep it to yourself)`);
        return recording.requests.length > 0 ? exitCodes.asClaimed : exitCodes.inconclusive;
      } finally {
        await start.database.drop();
      }
    } finally {
      await servers.close();
    }
  },
};
