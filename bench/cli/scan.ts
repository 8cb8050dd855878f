/** `lockstep scan -- npm start`: finds races that nobody described. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { enclosed, NoEnclosure } from '../../src/scan/enclosure/enclosed.ts';
import { type Recording, readRecording, writeRecording } from '../../src/scan/record/recording.ts';
import { allJudged, type ScanResult } from '../../src/scan/result.ts';
import type { OpenStart, ScanServers } from '../../src/scan/start.ts';
import { openExploreServers } from '../explore/servers.ts';
import {
  commandOf,
  type OptionValues,
  option,
  readTable,
  UsageError,
} from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { flag, nameList, whole } from '../lab/option-values.ts';
import { reportHtml } from '../page/html.ts';
import { reportMarkdown } from '../page/markdown.ts';
import { scanJson } from '../scan/json.ts';
import { recordTable } from '../scan/options.ts';
import { recorded, type StartValues, startOf } from '../scan/recording-run.ts';
import { scanReport } from '../scan/report.ts';
import type { CliCommand, CommandContext } from './command.ts';

const table = {
  ...recordTable,
  recording: option<string | undefined>({
    flags: '--recording <file>',
    text: 'scan what lockstep record wrote, instead of recording now',
    read: one => resolve(one),
    fallback: undefined,
  }),
  seconds: whole('--seconds <n>', 'time for the orders', [1, 1_000_000], 600),
  preemptions: whole('--preemptions <n>', 'switches within one order', [0, 9], 2),
  allowHosts: option<readonly string[]>({
    flags: '--allow-host <list>',
    text: 'host:port that replays may reach; they do to it what the recording did',
    read: nameList,
    fallback: [],
    silent: true,
  }),
  exploreCleared: flag('--explore-cleared', 'explore the pairs that are cleared, too'),
  whatIf: flag('--what-if', 'try cures on each finding, up to a minute each'),
  json: flag('--json', 'print the result as JSON'),
  out: option<string>({
    flags: '--out <folder>',
    text: 'where recording and reports go',
    fallback: 'scan',
  }),
};

type Options = OptionValues<typeof table>;

const examples = `
Examples:
  lockstep scan --setup schema.sql --requests calls.http -- node app.js
  lockstep scan --prepare "npm run migrate" --test "npm run e2e" -- npm start
  lockstep record -- npm start  and then  lockstep scan --recording recording.json

Requests are sent again in a network that leads nowhere, on databases made for it (Linux).

Exit codes:
  ${exitCodes.asClaimed}  every pair was judged, and nothing differs from every serial order
  ${exitCodes.claimBroken}  something does
  ${exitCodes.inconclusive}  nothing does, but some pair could not be judged, or not in time
  ${exitCodes.missing}  no server, or nobody can be shut in on this machine: nothing was replayed
`;

function form(): Command {
  return commandOf('scan', 'Records a service, and finds its races without an audit.', table)
    .argument('[service...]', 'the command that starts the service, behind --')
    .addHelpText('after', examples);
}

export const command: CliCommand = {
  form,
  kept: 'The recording is in the folder of --out.',
  async run(context) {
    const parser = form();
    const options = readTable(parser, table, context.argv);
    const named = { pgUrl: options.database ?? options.server, redisUrls: undefined };
    const servers = await openExploreServers(named, context);
    try {
      return await scan(context, options, parser.args, servers);
    } finally {
      await servers.close();
    }
  },
};

async function scan(
  context: CommandContext,
  options: Options,
  service: readonly string[],
  servers: ScanServers,
): Promise<number> {
  const { note, write, signal } = context;
  const out = resolve(options.out);
  const known =
    options.recording === undefined ? undefined : await readRecording(options.recording);
  if (known !== undefined) refuseOther(known, options, service);
  const start = await startOf(startValues(known, options), servers);
  try {
    if (known !== undefined) checkStart(known, start);
    const run = { values: options, service, servers, note, signal };
    const recording = known ?? (await recorded(run, start));
    await mkdir(out, { recursive: true });
    if (known === undefined) await writeRecording(join(out, 'recording.json'), recording);
    if (recording.requests.length === 0) {
      note('nothing was recorded, so there is nothing to judge');
      return exitCodes.inconclusive;
    }
    if (signal.aborted) return exitCodes.interrupted;
    const result = await judged(recording, start, servers, options, context);
    await writeReports(out, result, recording);
    write(options.json ? scanJson(result) : reportMarkdown(scanReport(result, recording)));
    note(join(out, 'report.html'));
    if (signal.aborted) return exitCodes.interrupted;
    return exitCodeOf(result, recording);
  } catch (error) {
    if (!(error instanceof NoEnclosure)) throw error;
    note(error.message);
    return exitCodes.missing;
  } finally {
    await start.database.drop();
  }
}

async function judged(
  recording: Recording,
  start: OpenStart,
  { pgUrl, redisUrls }: ScanServers,
  options: Options,
  { note, signal }: CommandContext,
): Promise<ScanResult> {
  const beganMs = performance.now();
  const job = {
    recording,
    pgUrl,
    redisUrls,
    allowHosts: options.allowHosts,
    start: { template: start.database.name, redis: start.redis },
    secondsMax: options.seconds,
    preemptions: options.preemptions,
    exploreCleared: options.exploreCleared,
    whatIf: options.whatIf,
  };
  return enclosed(job, {
    folder: recording.service.cwd,
    note,
    signal,
    progress: ({ done, all, text }) => {
      const seconds = (performance.now() - beganMs) / 1_000;
      const left = done === 0 ? '' : `, about ${Math.ceil((seconds / done) * (all - done))} s left`;
      note(`[${done}/${all}${left}] ${text}`);
    },
  });
}

function exitCodeOf(result: ScanResult, recording: Recording): number {
  if (result.pairs.some(({ verdict }) => verdict === 'differs')) return exitCodes.claimBroken;
  return allJudged(result, recording) ? exitCodes.asClaimed : exitCodes.inconclusive;
}

async function writeReports(out: string, result: ScanResult, recording: Recording): Promise<void> {
  const report = scanReport(result, recording);
  await writeFile(join(out, 'report.html'), reportHtml(report));
  await writeFile(join(out, 'report.md'), reportMarkdown(report));
  await writeFile(join(out, 'result.json'), scanJson(result));
}

/** A recording brings its service and its start. */
function refuseOther(known: Recording, options: Options, service: readonly string[]): void {
  if (service.length > 0)
    throw new UsageError('--recording names the service itself: leave out the command behind --');
  if (options.setup !== undefined || options.prepare !== undefined)
    throw new UsageError('--recording holds its start: leave out --setup and --prepare');
  if (known.start.kind === 'copied' && options.database === undefined)
    throw new UsageError(
      `the recording began with a copy of the database ${known.start.database}, and the URL is not ` +
        'kept: name it with --database',
    );
  if (known.start.kind === 'made' && options.database !== undefined)
    throw new UsageError('the recording makes its own start: leave out --database');
}

function startValues(known: Recording | undefined, options: Options): StartValues {
  if (known?.start.kind !== 'made') return options;
  const { setup, prepare } = known.start;
  return { redis: options.redis, setupText: setup, prepare: prepare ?? undefined };
}

/** The database of the recording may have changed since. */
function checkStart(known: Recording, start: OpenStart): void {
  const [was, is] = [known.start, start.start];
  if (was.kind !== 'copied' || is.kind !== 'copied') return;
  const changed = Object.keys({ ...was.rows, ...is.rows }).filter(
    name => was.rows[name] !== is.rows[name],
  );
  if (changed.length === 0) return;
  throw new UsageError(
    `the database ${was.database} has changed since the recording (rows of ${changed.join(', ')}): ` +
      'record it again',
  );
}
