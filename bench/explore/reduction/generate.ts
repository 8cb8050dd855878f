import type { EventKind } from '../../../src/explore/search/choice.ts';
import { randomOf } from '../../lab/random.ts';
import { type Theme, themes } from './letters.ts';
import { meets } from './meets.ts';
import type { Caller, Program, ProgramStep } from './program.ts';
import { stepsOf } from './read-letter.ts';
import { choicesOf, ordersOf } from './size.ts';

type Random = () => number;

const levels = ['repeatable read', 'serializable'];
/** Sets the isolation level when connecting, so that no statement mentions it. */
const startUp = '-c default_transaction_isolation=repeatable\\ read';
export const themeNames = Object.keys(themes);

/** Maximum draws for a program whose callers conflict; the last is used regardless. */
const drawsMax = 10;

/** The program of this number under this seed, always the same, with about `ordersMax` orders at most. */
export function programOf(seed: number, number: number, ordersMax: number): Program {
  const random = randomOf(seed, `program ${number}`);
  let program = drawnOf(random, number, ordersMax);
  for (let draw = 1; draw < drawsMax && !meets(program); draw++) {
    program = drawnOf(random, number, ordersMax);
  }
  return program;
}

function drawnOf(random: Random, number: number, ordersMax: number): Program {
  // themes alternate, so that a short run covers all of them; a third of the programs has an event
  const name = themeNames[number % themeNames.length] ?? '';
  const second = chance(random, 0.15) ? pick(random, themeNames) : name;
  const theme = merged(themeOf(name), themeOf(second));
  const event = number % 3 === 2 ? eventOf(random, theme) : undefined;
  const settings = { phases: chance(random, 0.4), fuseBegin: !chance(random, 0.2) };
  const all = shapes.filter(shape => ordersOf(shape, event !== undefined) <= ordersMax);
  const fitting = all.length > 0 ? all : shapes.slice(0, 1);
  // in most programs all callers use one row, so that they conflict
  const elsewhere = chance(random, 0.6) ? 0 : 0.25;
  const drawn: Drawn = {
    random,
    theme,
    ...settings,
    row: () => (chance(random, elsewhere) ? 2 : 1),
    level: pick(random, levels),
  };
  return {
    theme: second === name ? name : `${name} and ${second}`,
    callers: pick(random, sized(random, fitting)).map((size, at) => callerOf(drawn, at, size)),
    ...(event === undefined ? {} : { event }),
    ...settings,
  };
}

/** Three callers in a third of the programs, if such a search fits. */
function sized(
  random: Random,
  fitting: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const callers = chance(random, 1 / 3) ? 3 : 2;
  const some = fitting.filter(({ length }) => length === callers);
  return some.length > 0 ? some : fitting;
}

/** The number of choices per caller. */
const shapes = [
  [2, 3],
  [3, 3],
  [3, 4],
  [4, 4],
  [4, 5],
  [5, 5],
  [5, 6],
  [6, 6],
  [2, 2, 2],
  [2, 2, 3],
  [2, 3, 3],
  [3, 3, 3],
];

interface Drawn {
  readonly random: Random;
  readonly theme: Theme;
  readonly phases: boolean;
  readonly fuseBegin: boolean;
  readonly row: () => number;
  readonly level: string;
}

/** Draws pieces until the caller has its size; a piece that would exceed it is dropped. */
function callerOf(drawn: Drawn, at: number, size: number): Caller {
  const { random, theme } = drawn;
  const name = 'abc'[at] ?? '';
  const first = theme.first !== undefined && chance(random, 0.6) ? pick(random, theme.first) : '';
  let steps = first === '' ? [] : filled(drawn, name, first);
  for (let round = 0; round < 20; round++) {
    const longer = [...steps, ...pieceOf(drawn, name, steps)];
    if (choicesOf({ steps: longer }, drawn) <= size) steps = longer;
  }
  const above = theme.begins.some(begin => begin.includes('isolation'));
  return { steps, ...(above && chance(random, 0.15) ? { options: startUp } : {}) };
}

function pieceOf(drawn: Drawn, name: string, before: readonly ProgramStep[]): ProgramStep[] {
  const { random, theme } = drawn;
  const transaction = theme.begins.length > 0 && chance(random, 0.9);
  if (!transaction) {
    return sometimes(random, before, filled(drawn, name, pick(random, theme.alone)));
  }
  const steps = filled(drawn, name, pick(random, theme.begins));
  const length = 1 + Math.floor(random() * 4);
  for (let n = 0; n < length; n++) {
    steps.push(...sometimes(random, steps, filled(drawn, name, pick(random, theme.body))));
  }
  return [...steps, ...filled(drawn, name, pick(random, theme.ends))];
}

function filled({ row, level }: Drawn, name: string, letter: string): ProgramStep[] {
  return stepsOf(letter.replaceAll('$w', name).replaceAll('$l', level), row);
}

/** Makes some steps depend on the answer to the previous one. */
function sometimes(
  random: Random,
  before: readonly ProgramStep[],
  steps: ProgramStep[],
): ProgramStep[] {
  const asked = before.at(-1)?.request;
  if (steps.length !== 1 || asked === undefined || !chance(random, 0.3)) return steps;
  if ('sql' in asked && !/^(select (?!set_config)|insert|update|delete)/.test(asked.sql))
    return steps;
  const when = chance(random, 0.5) ? 'yes' : 'no';
  return steps.map(step => ({ ...step, when }));
}

function eventOf(random: Random, { events = [] }: Theme): EventKind {
  const possible: EventKind[] = ['crash', 'lost-reply', ...events, ...events];
  return pick(random, possible);
}

function themeOf(name: string): Theme {
  const theme = themes[name];
  if (theme === undefined) throw new Error(`unknown theme '${name}'`);
  return theme;
}

function merged(one: Theme, other: Theme): Theme {
  if (one === other) return one;
  const all = (of: (theme: Theme) => readonly string[] | undefined): string[] => [
    ...(of(one) ?? []),
    ...(of(other) ?? []),
  ];
  const first = all(theme => theme.first);
  return {
    begins: all(theme => theme.begins),
    body: all(theme => theme.body),
    ends: all(theme => theme.ends),
    alone: all(theme => theme.alone),
    events: [...(one.events ?? []), ...(other.events ?? [])],
    ...(first.length > 0 ? { first } : {}),
  };
}

function chance(random: Random, share: number): boolean {
  return random() < share;
}

function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to draw from');
  return item;
}
