import type { EventKind } from '../../../src/explore/search/choice.ts';
import { randomOf } from '../../lab/random.ts';
import { type Theme, themes } from './letters.ts';
import { meets } from './meets.ts';
import type { Caller, Program, ProgramStep } from './program.ts';
import { stepsOf } from './read-letter.ts';
import { choicesOf, ordersOf } from './size.ts';

type Random = () => number;

const levels = ['repeatable read', 'serializable'];
/** Connects with an isolation of its own, said nowhere in its statements. */
const startUp = '-c default_transaction_isolation=repeatable\\ read';
export const themeNames = Object.keys(themes);

/** So many draws for one program in which callers meet; the last is taken as it is. */
const drawsMax = 10;

/** The program of this number under this seed: always the same. Its search is about so large. */
export function programOf(seed: number, number: number, ordersMax: number): Program {
  const random = randomOf(seed, `program ${number}`);
  let program = drawnOf(random, number, ordersMax);
  for (let draw = 1; draw < drawsMax && !meets(program); draw++) {
    program = drawnOf(random, number, ordersMax);
  }
  return program;
}

function drawnOf(random: Random, number: number, ordersMax: number): Program {
  // In turns, so that no theme is left out of a short run; a third with an event.
  const name = themeNames[number % themeNames.length] ?? '';
  const second = chance(random, 0.15) ? pick(random, themeNames) : name;
  const theme = merged(themeOf(name), themeOf(second));
  const event = number % 3 === 2 ? eventOf(random, theme) : undefined;
  const settings = { phases: chance(random, 0.4), fuseBegin: !chance(random, 0.2) };
  const all = shapes.filter(shape => ordersOf(shape, event !== undefined) <= ordersMax);
  const fitting = all.length > 0 ? all : shapes.slice(0, 1);
  // In most programs all callers name one row: they are to meet.
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

/** Of three callers in a third of the programs, where such a search fits. */
function sized(
  random: Random,
  fitting: readonly (readonly number[])[],
): readonly (readonly number[])[] {
  const callers = chance(random, 1 / 3) ? 3 : 2;
  const some = fitting.filter(({ length }) => length === callers);
  return some.length > 0 ? some : fitting;
}

/** How many choices each caller has. */
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

/** Pieces are drawn until the caller has its size; those that would make it larger are dropped. */
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

/** Some steps depend on what the one before was told. */
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
  if (theme === undefined) throw new Error(`no theme ${name}`);
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
