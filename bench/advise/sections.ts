/** The advice as sections of a report: on a page, and in a decision record. Pure. */
import { blocksMin } from '../lab/ranking.ts';
import { figure, nothing } from '../page/format.ts';
import { type Block, numbers, type Report, type Section, words } from '../page/report.ts';
import { adoptionOf, asksFor, rolloutOf } from './adoption.ts';
import type { Advice } from './advise.ts';
import { type CostTable, extrapolations, mayRank } from './costs.ts';
import { cellIn, commandFor, type Evidence } from './evidence.ts';
import type { Judged } from './judge.ts';
import {
  againstText,
  answersInWords,
  changeText,
  firstLines,
  missingText,
  placeText,
} from './words.ts';

/** Everything behind the first lines. */
export function adviceSections(advice: Advice, evidence: Evidence): readonly Section[] {
  const { costs } = evidence;
  return [
    {
      title: 'What each costs, survives and asks for',
      link: null,
      blocks: [pictureOf(advice, evidence)],
    },
    { title: 'Admissible, by cost', link: null, blocks: admissibleBlocks(advice, costs) },
    { title: 'Excluded, and by which cell', link: null, blocks: [excludedTable(advice)] },
    ...(advice.judgement.unknown.length > 0
      ? [{ title: 'Not known', link: null, blocks: [unknownTable(advice)] }]
      : []),
    { title: 'What would change the answer', link: null, blocks: [changesList(advice)] },
    ...(advice.take
      ? [{ title: `To adopt ${advice.take.strategy.name}`, link: null, blocks: takeBlocks(advice) }]
      : []),
  ];
}

/** Of all that are not wrong on purpose, those that are admissible first. */
function pictureOf({ judgement, given }: Advice, evidence: Evidence): Block {
  const { admissible, excluded, unknown, place } = judgement;
  const all: readonly Judged[] = [...admissible, ...unknown, ...excluded].filter(
    ({ strategy }) => strategy.facts.hazard === 'none',
  );
  const faults = [...new Set(evidence.strikes.map(({ fault }) => fault))].toSorted();
  const at = given.answers.outside === 'bare' ? 'payout/plain' : place;
  return {
    kind: 'tradeoff',
    tradeoff: {
      label: `What each strategy costs at ${place}, which faults it survives, and what it asks for`,
      measures: ['alone', `${evidence.costs?.callers ?? 0} at once`],
      unit: 'ms',
      events: faults,
      rows: all.map(({ strategy, price, status }) => ({
        name: status === 'admissible' ? strategy.name : `(${strategy.name})`,
        asks: asksFor(strategy.facts),
        ...(price && { costs: [price.measured.alone, price.measured.contested] }),
        marks: faults.map(
          fault =>
            cellIn(evidence, strategy.name, { table: 'faults', fault, place: at })?.value ?? '?',
        ),
      })),
    },
  };
}

/** A decision record: context, options, decision, consequences, evidence. */
export function decisionRecord(advice: Advice, costs: CostTable | null): Report {
  const { take, judgement } = advice;
  const name = take?.strategy.name;
  return {
    title: name === undefined ? 'No lock is decided on yet' : `Decide with ${name}`,
    facts: [['status', 'proposed']],
    sections: [
      {
        title: 'Context',
        blocks: [
          'What was said of the operation:',
          { kind: 'facts', facts: answersInWords(advice) },
        ],
      },
      {
        title: 'Options',
        blocks: [
          ...admissibleBlocks(advice, costs),
          excludedTable(advice),
          ...(judgement.unknown.length > 0 ? [unknownTable(advice)] : []),
        ],
      },
      { title: 'Decision', blocks: [{ kind: 'list', items: firstLines(advice) }] },
      {
        title: 'Consequences',
        blocks: [...takeBlocks(advice), 'What would change the decision:', changesList(advice)],
      },
      { title: 'Evidence', blocks: evidenceBlocks(advice) },
    ],
  };
}

function admissibleBlocks({ judgement, given, traps }: Advice, costs: CostTable | null): Block[] {
  const { admissible, place } = judgement;
  if (admissible.length === 0) return ['Nothing that was measured is admissible.'];
  const computed = extrapolations(costs, given.answers);
  return [
    {
      kind: 'table',
      caption: `Admissible for ${place}, by cost`,
      columns: [
        ...words('Place', 'Strategy'),
        ...numbers(
          'ms a command',
          'alone',
          `of ${given.answers.callers} at once`,
          'one key, per second',
        ),
        ...words('Asks for'),
      ],
      rows: admissible.map(({ rank, shared, strategy, price }) => ({
        cells: [
          rank === undefined ? nothing : `${rank}.${shared ? '=' : ''}`,
          { text: strategy.name, small: strategy.title },
          figure(price?.expected.middle),
          figure(price?.alone),
          figure(price?.contested),
          figure(price?.keyPerSecond) + (price?.tooSlow ? ', too slow' : ''),
          asksFor(strategy.facts),
        ],
      })),
    },
    ...(costs ? [{ kind: 'note' as const, text: costsNote(costs, place) }] : []),
    ...(computed.length > 0
      ? [{ kind: 'note' as const, text: `Computed, not measured: ${computed.join('; ')}.` }]
      : []),
    ...traps.map(({ place: at, title, cells }) => ({
      kind: 'note' as const,
      text: `Written otherwise it fails: ${at} (${title}) is ✗ under ${cells.map(cell => cell.strategy).join(', ')}.`,
    })),
  ];
}

function costsNote(table: CostTable, place: string): string {
  const { startedAt, cores, command, cells, blocks = 1 } = table;
  const mine = cells.filter(cell => cell.place === place);
  const counts = (of: 'alone' | 'contested') => mine.map(cell => cell[of].count);
  const least = (of: 'alone' | 'contested') => Math.min(...counts(of));
  if (mine.length === 0) return `Nobody measured costs at ${place}.`;
  return (
    `Medians of ${startedAt.slice(0, 10)} on ${cores} shared cores, of at least ${least('alone')} commands ` +
    `alone and ${least('contested')} contested keys each; ` +
    (mayRank(table)
      ? 'strategies of one place (=) differ by no more than their 95 % intervals over the repetitions. '
      : `not ranked: ${blocks} of the ${blocksMin} repetitions that a rank needs. `) +
    `Ratios hold elsewhere, milliseconds do not. Repeat: ${command}`
  );
}

function excludedTable({ judgement }: Advice): Block {
  return {
    kind: 'table',
    caption: 'Excluded, and by which cell',
    columns: words('Strategy', 'By', 'Repeat it'),
    rows: judgement.excluded.map(({ strategy, against }) => ({
      cells: [
        strategy.name,
        against.map(againstText).slice(0, 3).join('; ') + andMore(against.length - 3),
        against[0]?.cell.replay ?? '',
      ],
    })),
  };
}

const andMore = (count: number): string => (count > 0 ? `; and ${count} more` : '');

function unknownTable({ judgement }: Advice): Block {
  return {
    kind: 'table',
    caption: 'Not known',
    columns: words('Strategy', 'What is missing', 'What would tell'),
    rows: judgement.unknown.map(({ strategy, missing }) => ({
      cells: [
        strategy.name,
        missing.map(missingText).slice(0, 3).join('; ') + andMore(missing.length - 3),
        missing[0] ? commandFor(strategy.name, missing[0].column) : '',
      ],
    })),
  };
}

function changesList({ changes }: Advice): Block {
  if (changes.length === 0) return 'No single answer.';
  return { kind: 'list', items: changes.map(change => `${changeText(change)}.`) };
}

function takeBlocks({ take, judgement }: Advice): Block[] {
  if (!take) return [];
  const [scenario = ''] = judgement.place.split('/');
  return [
    { kind: 'list', items: adoptionOf(take.strategy) },
    'To roll it out:',
    { kind: 'list', items: rolloutOf(take.strategy, scenario) },
  ];
}

function evidenceBlocks({ take, closest, sources }: Advice): Block[] {
  const shown: Judged | undefined = take ?? closest[0];
  const cells = shown ? [...shown.support, ...shown.against.map(({ cell }) => cell)] : [];
  return [
    ...(shown
      ? [
          {
            kind: 'table' as const,
            caption: `The cells of ${shown.strategy.name}`,
            columns: words('Cell', 'Value', 'Because', 'Repeat it'),
            rows: cells.map(cell => ({
              cells: [placeText(cell), cell.value, cell.because, cell.replay],
            })),
          },
        ]
      : []),
    {
      kind: 'list',
      items: sources.map(
        ({ file, startedAt, commit, command }) =>
          `${file}: ${startedAt.slice(0, 10)}, commit ${commit}, ${command}`,
      ),
    },
  ];
}
