/** Which cells the answers need, and what must stand in them. Every rule is a column of evidence. Pure. */
import type { Cell, Column, Facts } from './evidence.ts';
import type { Answers, QuestionName } from './questions.ts';

/** A column that the answers make matter. */
export interface Need {
  readonly column: Column;
  /** The question whose answer needs it. */
  readonly question: QuestionName;
  readonly accepts: (value: string) => boolean;
  /** What is wrong where it is not accepted. */
  readonly otherwise: string;
  /** Values that tell nothing of what was asked about. */
  readonly tellsNothing?: string;
}

type Shape = Answers['shape'];

/** The measured operation that has this shape. */
const placeOfShape: Readonly<Record<Shape, string>> = {
  'value-of-a-row': 'gift-card/plain',
  'at-most-one': 'payroll-reversal/plain',
  'at-most-n': 'appointment/plain',
  'any-free-row': 'coupon/plain',
  'no-overlap': 'calendar/plain',
  'two-rows': 'transfer/plain',
  'whole-run': 'payout/whole-run',
};

/** The measured operation with such an effect beside the database. */
const placeOfEffect = {
  no: undefined,
  keyed: 'payout/idempotency-key',
  outbox: 'payout/outbox',
  bare: 'payout/plain',
} as const satisfies Readonly<Record<Answers['outside'], string | undefined>>;

/** Measured where two that conflict name two keys. */
const placeOfTwoKeys = 'calendar/wrong-key';

/** Nobody has measured a hold over several transactions yet: a column without cells. */
const placeOfLongHolds = 'held over several transactions';

/** The faults behind each answer of `survive`; a test holds that each fault is behind one. */
export const faultsBehind: Readonly<Record<Answers['survive'][number], readonly string[]>> = {
  pauses: ['holder-paused', 'event-loop-blocked'],
  crashes: ['holder-killed'],
  network: ['half-open'],
  postgres: ['postgres-immediate-stop', 'postgres-paused', 'read-only', 'lock-session-terminated'],
  redis: [
    ...['redis-emptied', 'redis-evicting', 'redis-failover', 'redis-frozen'],
    ...['redis-out-of-memory', 'one-node-down', 'one-node-emptied', 'two-nodes-down'],
  ],
  deploys: ['deploy', 'primary-killed', 'workers-killed'],
  connections: [
    ...['backend-terminated', 'commit-reply-lost', 'connections-exhausted', 'disk-full'],
    'pooler-killed',
  ],
  failovers: ['standby-promoted', 'standby-in-step-promoted', 'sentinel-failover'],
  clocks: ['clock-stepped', 'redis-clock-stepped'],
  clients: ['client-gone'],
};

/** Nobody knows, whatever else is known. */
export const isOpen = (value: string): boolean => value === '?' || value === '○';

/** What the answers need of every strategy. */
export function needsOf(answers: Answers): readonly Need[] {
  return [...placesOf(answers).map(needOfPlace), ...faultNeeds(answers), ...factNeeds(answers)];
}

/** The operations whose cells count as evidence for these answers, the first for the price. */
export function placesOf(answers: Answers): readonly NeededPlace[] {
  const { shape, outside, key, longer, duplicate } = answers;
  const effect = placeOfEffect[outside];
  const long = longer === 'yes' && duplicate === 'harms'; // a lease that is lost is no loss else
  // the whole run was measured with payments that no key guards: who fails there may be right here
  const harsher = shape === 'whole-run' && outside !== 'bare';
  // and other operations not in every wording: that is a gap of ours, and no fault of the strategy
  const gap = { tellsNothing: '–' } as const;
  return [
    { place: placeOfShape[shape], question: 'shape', ...(harsher && { tellsNothing: '✗' }) },
    ...(effect === undefined ? [] : [{ place: effect, question: 'outside', ...gap } as const]),
    ...(key === 'no' ? [{ place: placeOfTwoKeys, question: 'key', ...gap } as const] : []),
    ...(long ? [{ place: placeOfLongHolds, question: 'longer' } as const] : []),
  ];
}

export interface NeededPlace extends Pick<Need, 'question' | 'tellsNothing'> {
  readonly place: string;
}

function needOfPlace({ place, ...rest }: NeededPlace): Need {
  return {
    ...rest,
    column: { table: 'matrix', place },
    accepts: value => value === '✓',
    otherwise: 'contention broke it, or it is not offered there',
  };
}

/** Where a duplicate is harmless, a lost lease is no loss; a lock that stays for good always is. */
function faultNeeds(answers: Answers): Need[] {
  const { survive, duplicate } = answers;
  const enough = duplicate === 'harms' ? ['✓', '–'] : ['✓', '–', '~', '~✗'];
  const place = placeOfFaults(answers);
  return survive.flatMap(answer =>
    faultsBehind[answer].map(
      (fault): Need => ({
        column: { table: 'faults', fault, place },
        question: 'survive',
        accepts: value => enough.includes(value),
        otherwise: 'the fault did harm, or it claims nothing under it',
      }),
    ),
  );
}

/** An effect that is done each time decides what a fault leaves behind; else the shape does. */
function placeOfFaults({ shape, outside }: Answers): string {
  if (outside === 'bare') return placeOfEffect.bare;
  return placeOfShape[shape === 'whole-run' ? 'value-of-a-row' : shape];
}

const dependencies: Readonly<Record<Answers['redis'], readonly string[]>> = {
  none: ['none'],
  one: ['none', 'redis'],
  several: ['none', 'redis', 'several redis nodes', 'redis and several redis nodes'],
};

const migrations: Readonly<Record<Answers['migration'][number], string>> = {
  column: 'column',
  rows: 'rows beforehand',
  constraint: 'constraint over existing rows',
};

/** Declared facts that an answer rules out. */
function factNeeds(answers: Answers): Need[] {
  const { redis, migration } = answers;
  const possible = ['none', ...migration.map(one => migrations[one])];
  const isThere = (value: string): boolean => dependencies[redis].includes(value);
  const always: readonly Rule[] = [
    ['hazard', 'shape', value => value === 'none', 'it is wrong on purpose'],
    ['dependency', 'redis', isThere, 'it needs a server that is not there'],
    ['migration', 'migration', value => possible.includes(value), 'it needs another migration'],
  ];
  const ruledOut = rulings.filter(({ question, when }) => answers[question] === when);
  return [...always, ...ruledOut.map(({ rule, question }) => ruleOf(rule, question))].map(
    needOfFact,
  );
}

/** An answer, the values of a fact that it rules out, and why. */
interface Ruling {
  readonly question: QuestionName;
  readonly when: string;
  readonly rule: readonly [fact: keyof Facts, refused: readonly string[], otherwise: string];
}

const rulings: readonly Ruling[] = [
  {
    question: 'statement',
    when: 'no',
    rule: ['wording', ['conditional update'], 'one statement cannot decide it'],
  },
  {
    question: 'constraint',
    when: 'no',
    rule: ['wording', ['numbered slots', 'exclusion'], 'no constraint can say it'],
  },
  {
    question: 'writers',
    when: 'yes',
    rule: ['writers', ['every writer must take part'], 'a writer that takes no part breaks it'],
  },
  {
    question: 'row',
    when: 'no',
    rule: ['rests', ['a row that is there before'], 'there is no such row'],
  },
  {
    question: 'retry',
    when: 'no',
    rule: ['retry', ['needed'], 'its conflicts have to be tried again'],
  },
  {
    question: 'pooler',
    when: 'yes',
    rule: ['pooler', ['unsafe'], 'its lock belongs to a connection'],
  },
  {
    question: 'longer',
    when: 'yes',
    rule: ['held', ['the transaction', 'one statement'], 'it ends with the transaction'],
  },
  {
    question: 'sequelize',
    when: 'no',
    rule: ['through', ['Sequelize'], 'it runs through Sequelize'],
  },
];

function ruleOf([fact, refused, otherwise]: Ruling['rule'], question: QuestionName): Rule {
  return [fact, question, value => !refused.includes(value), otherwise];
}

type Rule = readonly [
  fact: keyof Facts,
  question: QuestionName,
  accepts: (value: string) => boolean,
  otherwise: string,
];

function needOfFact([fact, question, accepts, otherwise]: Rule): Need {
  return { column: { table: 'facts', fact }, question, accepts, otherwise };
}

/** How a cell meets a need. */
export function meets(need: Need, cell: Cell | undefined): 'met' | 'refused' | 'open' {
  if (!cell || isOpen(cell.value)) return 'open';
  if (need.accepts(cell.value)) return 'met';
  return need.tellsNothing === cell.value ? 'open' : 'refused';
}
