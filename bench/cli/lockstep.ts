#!/usr/bin/env node
/** The command line of the package: `lockstep compare …`, and the others below. */
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
    summary: 'run strategies under contention and judge them by the database',
    load: () => import('./compare.ts'),
  },
  load: {
    summary: 'measure with k6 what strategies cost under load',
    load: () => import('./load.ts'),
  },
  explore: {
    summary: 'your own code in every order of its requests (race.config.ts)',
    load: () => import('./explore.ts'),
  },
  'explore-strategies': {
    summary: 'the strategies of this project in every order of a few callers',
    load: () => import('./explore-strategies.ts'),
  },
  floors: {
    summary: 'what the servers can do at most, and other lock libraries',
    load: () => import('./floors.ts'),
  },
  report: {
    summary: 'one page of what compare, load and floors have measured',
    load: () => import('./report.ts'),
  },
  diff: {
    summary: 'two runs of load, cell by cell',
    load: () => import('./diff.ts'),
  },
  serve: {
    summary: 'start the booking service; its settings come from the environment',
    load: () => import('./serve.ts'),
  },
};

/** For whoever works on this project; not in the help. */
const development: Readonly<Record<string, Entry['load']>> = {
  'dev-readme': () => import('./dev-readme.ts'),
  'dev-gallery': () => import('./dev-gallery.ts'),
  'dev-explore-speed': () => import('./dev-explore-speed.ts'),
  'dev-reduction': () => import('./dev-reduction.ts'),
  'dev-queue': () => import('./dev-queue.ts'),
};

/** Names from before, for one version more. */
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
lockstep <command> --help shows its options. Exit codes: 0 as claimed, 1 a claim is broken, 2 a mistake
in the arguments, 3 inconclusive, 4 something is missing on this machine, 130 interrupted.
`;
}

function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

const [, , typed = '', ...argv] = process.argv;
const name = own(renamed, typed) ?? typed;
if (name !== typed)
  process.stderr.write(`'${typed}' is called '${name}' now; the old name goes in 0.2.\n`);
const load = own(commands, name)?.load ?? own(development, name);
if (load) await launch(name, (await load()).command, argv);
else if (['', 'help', '--help', '-h'].includes(typed)) {
  (typed === '' ? process.stderr : process.stdout).write(usage());
  process.exitCode = typed === '' ? exitCodes.usage : exitCodes.asClaimed;
} else {
  const near = didYouMean(typed, Object.keys(commands));
  process.stderr.write(`there is no command '${typed}'${near}\n\n${usage()}`);
  process.exitCode = exitCodes.usage;
}
