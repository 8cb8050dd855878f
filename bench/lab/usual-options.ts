/** Options that several instruments have: one row each, so that they cannot differ by accident. */
import { option } from './command-line.ts';
import { wholeNumber } from './option-values.ts';

/** Undefined: a random one. `what` is repeated by it. */
export const seedOption = (what: string) =>
  option<number | undefined>({
    flags: '--seed <n>',
    text: `seed of an earlier run, to repeat its ${what}`,
    read: wholeNumber(0, 999_999_999),
    fallback: undefined,
  });

export const outOption = (folder: string) =>
  option<string>({
    flags: '--out <folder>',
    text: 'folder for results',
    fallback: folder,
    notRepeated: true,
  });

/** The raw file of an interrupted run, to resume it. */
export const resumeOption = (file: string, left: string) =>
  option<string | undefined>({
    flags: '--resume <file>',
    text: `${file} of an interrupted run: run the ${left} that are left`,
    fallback: undefined,
    notRepeated: true,
  });

export const jsonOption = option<boolean>({
  flags: '--json',
  text: 'print the result as JSON instead of the table',
  fallback: false,
  notRepeated: true,
});
