/** The report's section on the orders of two callers. Pure. */
import {
  boundTitle,
  eventColumns,
  eventTitle,
  exploredIntroduction,
  exploredNotes,
  partsLegend,
  partText,
  reachText,
  rowNameOf,
} from '../explore/explored.ts';
import type { ExploredCell } from '../explore/schema.ts';
import { type Block, type Fold, type Section, verdicts, words } from '../page/report.ts';
import type { Summary } from './summary.ts';

/** Every order of two callers; behind a row is its shortest counterexample. None if nothing was explored. */
export function exploredSections({ explored }: Summary): readonly Section[] {
  if (explored.length === 0) return [];
  const events = eventColumns(explored);
  const rows = explored.map(cell => ({
    cells: [
      rowNameOf(cell),
      cell.variant,
      ...events.map(event => partText(cell, event)),
      reachText(cell),
    ],
    more: counterexampleOf(cell),
    broken: cell.parts.some(part => part.agreement === 'claim violated'),
  }));
  const assumptions = [...new Set(explored.flatMap(cell => cell.assumptions))];
  return [
    {
      title: 'Every order of two callers',
      link: 'Explored',
      blocks: [
        exploredIntroduction,
        {
          kind: 'table',
          caption: 'Explored orders',
          look: 'wide',
          columns: [
            ...words('Strategy', 'Variant'),
            ...events.map(event => verdicts(eventTitle(event))),
            ...words(boundTitle),
          ],
          rows,
        },
        { kind: 'note', text: partsLegend },
        ...exploredNotes(explored).map((text): Block => ({ kind: 'note', text })),
        {
          kind: 'fold',
          summary: 'Assumptions',
          blocks: [{ kind: 'list', items: assumptions }],
        },
      ],
    },
  ];
}

function counterexampleOf({ counterexample, why }: ExploredCell): Fold | undefined {
  if (!counterexample) return undefined;
  return {
    kind: 'fold',
    summary: 'The shortest violating order',
    blocks: [why, { kind: 'preformatted', text: counterexample.timeline }],
  };
}
