#!/usr/bin/env node
/** The package's command line: `lockstep compare …` and the other commands below. */
import { didYouMean } from '../../src/explore/nearest.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import type { CliCommand } from './command.ts';
import { launch } from './launch.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<{ readonly command: CliCommand }>;
}

const commands: Readonly<Record<string, Entry>> = {
  compare: {
    summary: 'run strategies under contention and audit the database',
    load: () => import('./compare.ts'),
  },
  load: {
    summary: 'measure the cost of strategies under load, with k6',
    load: () => import('./load.ts'),
  },
  explore: {
    summary: 'run your own code in every order of its requests (race.config.ts)',
    load: () => import('./explore.ts'),
  },
  'explore-strategies': {
    summary: 'run the strategies in every order of a few callers',
    load: () => import('./explore-strategies.ts'),
  },
  faults: {
    summary: 'kill, pause and cut off while a command is in a chosen phase, and judge what is lost',
    load: () => import('./faults.ts'),
  },
  floors: {
    summary: 'measure the upper limits of the servers, and other lock libraries',
    load: () => import('./floors.ts'),
  },
  report: {
    summary: 'combine results of compare, load and floors on one page',
    load: () => import('./report.ts'),
  },
  diff: {
    summary: 'compare two runs, and tell differences from chance',
    load: () => import('./diff.ts'),
  },
  rollout: {
    summary: 'move a running service from one strategy to another',
    load: () => import('./rollout.ts'),
  },
  serve: {
    summary: 'start the booking service, configured by the environment',
    load: () => import('./serve.ts'),
  },
};

/** For development of Lockstep; not in the help. */
const development: Readonly<Record<string, Entry['load']>> = {
  'dev-readme': () => import('./dev-readme.ts'),
  'dev-gallery': () => import('./dev-gallery.ts'),
  'dev-openapi': () => import('./dev-openapi.ts'),
  'dev-explore-speed': () => import('./dev-explore-speed.ts'),
  'dev-reduction': () => import('./dev-reduction.ts'),
  'dev-crowd': () => import('./dev-crowd.ts'),
  'dev-rollout': () => import('./dev-rollout.ts'),
  'dev-gate': () => import('./dev-gate.ts'),
  'dev-timeline': () => import('./dev-timeline.ts'),
  'dev-rollout-cost': () => import('./dev-rollout-cost.ts'),
  'dev-rollout-drill': () => import('./dev-rollout-drill.ts'),
  'dev-queue': () => import('./dev-queue.ts'),
};

/** Old names, accepted until 0.2. */
const renamed: Readonly<Record<string, string>> = {
  bench: 'load',
  'bench-floors': 'floors',
  'bench-compare-runs': 'diff',
  'bench-explore': 'dev-explore-speed',
  'bench-queue': 'dev-queue',
  'bench-reduction': 'dev-reduction',
  gallery: 'dev-gallery',
  readme: 'dev-readme',
};

function usage(): string {
  const width = Math.max(...Object.keys(commands).map(({ length }) => length));
  const rows = Object.entries(commands).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}\n`,
  );
  return `Usage: lockstep <command> [options]

Commands:
${rows.join('')}
lockstep <command> --help shows its options. Exit codes: 0 as claimed, 1 a claim is broken, 2 usage
error, 3 inconclusive, 4 something needed is missing, 130 interrupted.
`;
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

const [, , typed = '', ...argv] = process.argv;
const name = own(renamed, typed) ?? typed;
if (name !== typed)
  process.stderr.write(`'${typed}' is now '${name}'; the old name will be removed in 0.2.\n`);
const load = own(commands, name)?.load ?? own(development, name);
if (load) await launch(name, (await load()).command, argv);
else if (['', 'help', '--help', '-h'].includes(typed)) {
  (typed === '' ? process.stderr : process.stdout).write(usage());
  process.exitCode = typed === '' ? exitCodes.usage : exitCodes.asClaimed;
} else {
  const near = didYouMean(typed, Object.keys(commands));
  process.stderr.write(`unknown command '${typed}'${near}\n\n${usage()}`);
  process.exitCode = exitCodes.usage;
}
