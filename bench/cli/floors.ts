/** `lockstep floors`: upper limits of the servers, how close the service gets, and other libraries. */
import { access, mkdir, writeFile } from 'node:fs/promises';
import { delimiter, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import pg from 'pg';
import { loadRegistry } from '../../src/engine/registry.ts';
import { described, openServices, type Server } from '../../src/services/index.ts';
import { migrate } from '../../src/store/migrate.ts';
import { bookingContest, hotContest, makeCards } from '../floors/booking.ts';
import { entrySeconds, held, type OpenContest } from '../floors/contest.ts';
import { lateReleaseContest, nodeDownContest } from '../floors/faults.ts';
import { httpContest } from '../floors/http.ts';
import { handOffContest, pairsContest, quorumContest } from '../floors/leases.ts';
import { referencesContest } from '../floors/references.ts';
import { floorsReport } from '../floors/report.ts';
import { type ContestResult, type FloorsResult, floorsSchema } from '../floors/schema.ts';
import { auditorContest, scrapeContest, scrapedContest } from '../floors/watching.ts';
import { commandOf, type OptionValues, option, readTable, repeated } from '../lab/command-line.ts';
import { ownConditions } from '../lab/conditions.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { checkWritable } from '../lab/files.ts';
import { durationText, forecast } from '../lab/forecast.ts';
import { number, oneOfEach, whole } from '../lab/option-values.ts';
import { openProgress } from '../lab/progress.ts';
import { randomOf } from '../lab/random.ts';
import { createRunDatabase } from '../lab/run-database.ts';
import { counted } from '../page/format.ts';
import { reportMarkdown } from '../page/markdown.ts';
import type { CliCommand } from './command.ts';

const peers = [
  'redlock-4-defaults',
  'redlock-4-tuned',
  'redlock-5-defaults',
  'redlock-5-tuned',
  'redis-semaphore',
] as const;

const names = [
  'http',
  'booking',
  'hot',
  'references',
  'pairs',
  'quorum',
  'node-down',
  'late-release',
  'hand-off',
  'auditor',
  'scrape',
  'scraped',
] as const;
type Name = (typeof names)[number];

/** A contest compares: it has a baseline and something beside it. */
const entriesMin = 2;

const table = {
  repetitions: whole('--repetitions <n>', 'repetitions of each contest', [1, 1_000], 3),
  seconds: option<number>({
    flags: '--seconds <n>',
    text: 'length of each entry',
    read: number(0.1, 1_000),
    fallback: 2,
  }),
  only: option<readonly Name[]>({
    flags: '--only <list>',
    text: `only these contests: ${names.join(', ')} (default: all)`,
    read: oneOfEach('contest', names),
    fallback: names,
    silent: true,
  }),
  out: option<string>({
    flags: '--out <folder>',
    text: 'folder for results',
    fallback: 'results',
    notRepeated: true,
  }),
};
type Options = OptionValues<typeof table>;

function form(): Command {
  return commandOf(
    'floors',
    'Measures floors, targets and other lock libraries, one after another.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const options = readTable(form(), table, argv);
    await checkWritable(options.out);
    const result = await measured(options, signal);
    const time = result.startedAt.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
    const folder = join(options.out, `floors-${time}`);
    const markdown = reportMarkdown(floorsReport(result));
    const json = `${JSON.stringify(floorsSchema.parse(result), null, 1)}\n`;
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'floors.json'), json);
    await writeFile(join(folder, 'floors.md'), markdown);
    write(markdown);
    note(`\n${join(folder, 'floors.md')}`);
    return signal.aborted ? exitCodes.interrupted : exitCodes.asClaimed;
  },
};

async function measured(options: Options, signal: AbortSignal): Promise<FloorsResult> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const progress = openProgress(process.stderr, options.only.length * options.repetitions);
  const report = (line: string): void => progress.note(line);
  const each = entrySeconds(options);
  const time = {
    work: `${counted(options.only.length, 'contest')} of two entries or more`,
    leastSeconds: options.only.length * entriesMin * each,
    besides: 'the start of the servers; each contest tells its own time when it is open',
  };
  for (const line of await forecast(time, { out: options.out, startsPostgres: true })) report(line);
  const services = await openServices({ redisNodeCount: 3, durable: true, report, signal });
  try {
    const database = await createRunDatabase(services.postgres.url);
    const kind = extname(import.meta.url);
    const files = peers.map(name =>
      fileURLToPath(new URL(`../floors/peers/${name}${kind}`, import.meta.url)),
    );
    const registry = await loadRegistry(files);
    await migrate(database.url, [...registry.scenarios.values()]);
    await makeCards(database.url);
    const resources = {
      registry,
      keeper: services.keeper,
      databaseUrl: database.url,
      redisUrl: services.redis.url,
      redisNodeUrls: services.redisNodes.map(node => node.url),
      pgbenchCommand: await inPath('pgbench'),
      redisBenchmarkCommand: await inPath('redis-benchmark'),
      folder: await services.keeper.folder(),
    };
    const open: Record<Name, () => Promise<OpenContest>> = {
      http: () => httpContest(services.keeper),
      booking: async () => bookingContest(resources),
      hot: async () => {
        await synchronousCommit(database.url, false);
        return hotContest(resources);
      },
      pairs: () => pairsContest(resources, peers),
      references: async () => referencesContest(database.url),
      quorum: () => quorumContest(resources),
      'node-down': () =>
        nodeDownContest({ ...resources, thirdNodePid: pidOf(services.redisNodes[2]) }),
      'late-release': () => lateReleaseContest(resources),
      'hand-off': () => handOffContest(resources, peers),
      auditor: async () => auditorContest(database.url, registry),
      scrape: () => scrapeContest(services, signal),
      scraped: () => scrapedContest(services, signal),
    };
    const contests: ContestResult[] = [];
    for (const name of options.only) {
      const contest = await open[name]();
      const { length } = contest.entries;
      report(
        `${contest.title}: ${counted(length, 'entry', 'entries')}, at least ${durationText(length * each)}`,
      );
      const random = randomOf(Date.now(), name);
      const step = (what: string): void => progress.step(what);
      const { repetitions, seconds } = options;
      const found = await held(contest, { repetitions, seconds, random, step, signal }).catch(
        (error: unknown) => {
          if (!signal.aborted) throw error;
        },
      );
      await contest.close();
      if (!found) break; // interrupted: report what was measured so far
      contests.push(found);
      await synchronousCommit(database.url, true);
    }
    const { commit, changed, node, machine } = await ownConditions();
    const facts = {
      command: repeated('floors', table, options),
      commit: `${commit}${changed ? ', with changes' : ''}`,
      Node: node,
      machine: `${machine.cores} × ${machine.processor}`,
      Postgres: described(services.postgres),
      Redis: described(services.redis),
      ...(signal.aborted && { INCOMPLETE: 'interrupted' }),
    };
    const seconds = (performance.now() - startMs) / 1_000;
    return { format: 'lockstep floors', version: 1, startedAt, seconds, contests, facts };
  } finally {
    progress.end();
    await services.close();
  }
}

/** Applies to connections opened from now on. */
async function synchronousCommit(databaseUrl: string, on: boolean): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the next query reports it
  await client.connect();
  const name = client.escapeIdentifier(new URL(databaseUrl).pathname.slice(1));
  await client.query(`alter database ${name} set synchronous_commit = ${on ? 'on' : 'off'}`);
  await client.end();
}

function pidOf(server: Server | undefined): number {
  if (server?.pid === undefined)
    throw new Error('the third Redis node was not started by this run');
  return server.pid;
}

async function inPath(program: string): Promise<string | undefined> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const file = join(folder, program);
    const there = await access(file).then(
      () => true,
      () => false,
    );
    if (folder.startsWith('/') && there) return file;
  }
  return undefined;
}
