import {
  boundTitle,
  eventColumns,
  eventTitle,
  exploredIntroduction,
  exploredNotes,
  partText,
  reachText,
  rowNameOf,
} from '../explore/explored.ts';
import type { ExploredCell } from '../explore/schema.ts';
import { element, type Html, tableOf } from '../page/element.ts';
import type { Summary } from './summary.ts';

/** Every order of two callers; each row expands to its shortest counterexample. */
export function exploredSection({ explored }: Summary): Html[] {
  if (explored.length === 0) return [];
  const events = eventColumns(explored);
  const columns = [
    { title: 'Strategy' },
    { title: 'Variant' },
    ...events.map(event => ({ title: eventTitle(event) })),
    { title: boundTitle },
  ];
  const rows = explored.map(cell => ({
    cells: [
      rowNameOf(cell),
      cell.variant,
      ...events.map(event => partText(cell, event)),
      reachText(cell),
    ],
    ...(cell.counterexample && { more: timeline(cell, cell.counterexample) }),
    ...(cell.parts.some(part => part.agreement === 'claim violated') && { kind: 'broken' }),
  }));
  const assumptions = [...new Set(explored.flatMap(cell => cell.assumptions))];
  return [
    element('h2', 'Every order of two callers', { id: 'explored' }),
    element('p', exploredIntroduction),
    tableOf(columns, rows, 'Explored orders', 'wide'),
    ...exploredNotes(explored).map(note => element('p', note, { class: 'note' })),
    element('details', [
      element('summary', 'Assumptions'),
      element(
        'ul',
        assumptions.map(one => element('li', one)),
      ),
    ]),
  ];
}

function timeline(
  cell: ExploredCell,
  counterexample: NonNullable<ExploredCell['counterexample']>,
): Html {
  return element('details', [
    element('summary', 'The shortest violating order'),
    element('div', [element('p', cell.why), element('pre', counterexample.timeline)], {
      class: 'proof',
    }),
  ]);
}
