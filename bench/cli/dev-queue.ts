/**
 * `npm run dev:queue`: one hot key, 32 contenders in 4 processes. Compares the queued lease with redlock
 * at its default settings, on one Redis, and with two floors: critical sections without any lock, and
 * critical sections handed on by a message alone.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { openServices } from '../../src/services/index.ts';
import { type Contestant, contestants, type Job, told } from '../floors/queue/contest.ts';
import { type Figures, figuresOf, type Target, targetsOf } from '../floors/queue/figures.ts';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { percentile } from '../lab/statistics.ts';
import { laid } from '../page/columns.ts';
import type { CliCommand } from './command.ts';

const processes = 4;
const contendersPerProcess = 8;
const workMs = 1;
const pauseMs = 20;
const repetitions = 5;
const secondsOf: Readonly<Record<Contestant, number>> = {
  floor: 1,
  baton: 1,
  'redis-lease-queued': 3,
  redlock: 5,
};
const answerGraceMs = 30_000; // redlock gives up after 2 s, a queued waiter after 10 s
const out = 'results';

type Repetition = Readonly<Record<Contestant, Figures>>;

function form(): Command {
  return commandOf(
    'dev-queue',
    'Measures one hot key with 32 contenders in 4 processes: queued lease, redlock, two floors.',
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    readTable(form(), {}, argv);
    const services = await openServices({
      redisNodeCount: 0,
      durable: false,
      report: note,
      signal,
    });
    const children: ChildProcess[] = [];
    try {
      for (let number = 0; number < processes; number += 1)
        children.push(await started(services.redis.url, signal));
      const all: Repetition[] = [];
      for (let number = 1; number <= repetitions; number += 1) {
        const measured: Partial<Record<Contestant, Figures>> = {};
        for (const contestant of contestants) {
          note(`[${number}/${repetitions}] ${contestant}`);
          measured[contestant] = await contest(children, contestant, number);
        }
        const { floor, baton, redlock, 'redis-lease-queued': queued } = measured;
        if (floor && baton && redlock && queued)
          all.push({ floor, baton, redlock, 'redis-lease-queued': queued });
      }
      write(`${textOf(all)}\n`);
      note(`\n${await keep(all)}`);
      return exitCodes.asClaimed;
    } finally {
      for (const child of children) child.kill();
      await services.close();
    }
  },
};

async function started(redisUrl: string, signal: AbortSignal): Promise<ChildProcess> {
  const entry = fileURLToPath(
    new URL(`../floors/queue/contender-process${extname(import.meta.url)}`, import.meta.url),
  );
  const execArgv = ['--import', import.meta.resolve('tsx')];
  const child = fork(entry, [redisUrl], { execArgv, signal });
  child.on('error', () => {}); // answerOf rejects
  await answerOf(child);
  return child;
}

/** The next message from a child. Rejects when it exits, or after `answerGraceMs`. */
function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`a contender did not answer within ${answerGraceMs} ms`)),
      answerGraceMs,
    );
    const ended = (): void => {
      clearTimeout(late);
      reject(new Error('a contender exited early'));
    };
    child.once('exit', ended);
    child.once('message', message => {
      clearTimeout(late);
      child.off('exit', ended);
      resolve(message);
    });
  });
}

/** All contenders at once on one key; for the floor a single one, without a pause. */
async function contest(
  children: readonly ChildProcess[],
  contestant: Contestant,
  number: number,
): Promise<Figures> {
  const alone = contestant === 'floor';
  const job = {
    contestant,
    key: `hot/${contestant}/${number}`,
    contenders: alone ? 1 : contendersPerProcess,
    seconds: secondsOf[contestant],
    workMs,
    pauseMs: alone ? 0 : pauseMs,
  };
  const asked = children.slice(0, alone ? 1 : processes).map((child, index) => {
    const answer = answerOf(child);
    child.send({ ...job, index, processes } satisfies Job);
    return answer;
  });
  const answers = (await Promise.all(asked)).map(answer => told.parse(answer));
  return figuresOf(answers, job.seconds);
}

function textOf(all: readonly Repetition[]): string {
  const rows = contestants.map(name => {
    const of = (value: (figures: Figures) => number): string => {
      const sorted = all.map(one => value(one[name])).toSorted((a, b) => a - b);
      const [low, middle, high] = [0, 0.5, 1].map(share => percentile(sorted, share));
      return middle === undefined || Number.isNaN(middle)
        ? '–' // no waits without contention
        : `${shown(middle)} (${shown(low)}–${shown(high)})`;
    };
    const sum = (value: (figures: Figures) => number): string =>
      String(all.reduce((total, one) => total + value(one[name]), 0));
    return [
      name,
      of(one => one.perSecond),
      of(one => one.waitP50Ms),
      of(one => one.waitP99Ms),
      of(one => one.jain),
      sum(one => one.givenUp),
      sum(one => one.overlaps),
    ];
  });
  const head = ['', 'hand-offs/s', 'wait p50 ms', 'p99 ms', 'Jain', 'given up', 'overlaps'];
  const targets = all.map(one => targetsOf(one, one['redis-lease-queued'], one.redlock));
  const lines = [
    `${processes * contendersPerProcess} contenders in ${processes} processes on one key, ${workMs} ms work, ` +
      `${pauseMs} ms pause; medians of ${all.length} repetitions (range)`,
    ...laid([head, ...rows], 'lrrrrrr'),
    '',
    ...laid(targetRows(targets), 'lrlll'),
  ];
  return lines.join('\n');
}

/** Writes the figures; resolves to their path. */
async function keep(all: readonly Repetition[]): Promise<string> {
  await mkdir(join(out, 'queue'), { recursive: true });
  const file = join(out, 'queue', `${new Date().toISOString().replaceAll(':', '-')}.json`);
  const text = JSON.stringify({ format: 'lockstep queue', version: 1, all }, null, 2);
  await writeFile(file, `${text}\n`);
  return file;
}

function targetRows(all: readonly (readonly Target[])[]): string[][] {
  return (all[0] ?? []).map(({ what, wanted }, index) => {
    const values = all.flatMap(targets => targets[index] ?? []);
    const sorted = values.map(({ value }) => value).toSorted((a, b) => a - b);
    const times = values.filter(({ met }) => met).length;
    return [what, shown(percentile(sorted, 0.5)), wanted, `met ${times} of ${all.length} times`];
  });
}

function shown(value = Number.NaN): string {
  if (Number.isNaN(value)) return '–';
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}
