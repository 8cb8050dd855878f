#!/usr/bin/env node
/** The command line of the package: `lockstep compare …`, and the others below. */
const usage = `Usage: lockstep <command>

Commands:
  compare   run strategies under contention and judge them by the database (lockstep compare --help)
  bench     measure with k6 what strategies cost under load (lockstep bench --help)
  explore   every order of a few callers, for a strategy or for your own code (lockstep explore --help)
  serve     start the booking service; its settings come from the environment
`;

const commands: Readonly<Record<string, () => Promise<unknown>>> = {
  compare: () => {
    process.argv.splice(2, 1); // it reads its options behind the program's name
    return import('./compare.ts');
  },
  bench: () => {
    process.argv.splice(2, 1);
    return import('./bench.ts');
  },
  explore: () => {
    process.argv.splice(2, 1);
    return import('./explore.ts');
  },
  // its workers are started with the same arguments
  serve: () => import('../../src/main.ts'),
};

const name = process.argv[2] ?? '';
const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
if (command) await command();
else {
  const asked = name === '' || name === '--help' || name === '-h';
  process.stderr.write(asked ? usage : `There is no command '${name}'.\n\n${usage}`);
  process.exitCode = asked && name !== '' ? 0 : 2;
}
