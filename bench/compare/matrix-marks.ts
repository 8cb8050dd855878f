/** The marks of the matrix (scenario/variant × strategy), in every form of the report. Pure. */

import { list } from '../page/format.ts';
import type { Matrix, MatrixCell, MatrixStrategy } from './matrix.ts';

type Marked = Pick<MatrixCell, 'observed' | 'agreement'>;

const marks: Readonly<Record<MatrixCell['observed'], string>> = {
  safe: '✓',
  unsafe: '✗',
  'no claim': '~',
  inconclusive: '?',
  'not offered': '–',
};

/** The id of a cell's evidence on the page. */
export function evidenceId(place: string, strategy: string): string {
  return `evidence-${place}-${strategy}`.replace(/[^\w]+/g, '-');
}

/** The mark of a cell. */
export function markOf({ observed, agreement }: Marked): string {
  if (agreement === 'claim violated') return '✗!';
  return agreement === 'not provoked' ? '○' : marks[observed];
}

/** Explains the marks that occur. */
export function legendOf(cells: readonly Marked[]): string {
  const meanings = [
    ['✓', 'held'],
    ['✗', 'violated, as predicted'],
    ['✗!', 'violated, against its claim'],
    ['~', 'no claim: its lease or connection was lost'],
    ['○', 'a hazard that needs an event load does not cause'],
    ['?', 'inconclusive'],
    ['–', 'not offered: the scenario has no such wording'],
  ] as const;
  const used = new Set(cells.map(markOf));
  return meanings
    .filter(([mark]) => used.has(mark))
    .map(([mark, meaning]) => `${mark} ${meaning}`)
    .join('; ');
}

/** The rows in reading order: most cells held first, hazards last. */
export function rowsOf(matrix: Matrix): readonly MatrixStrategy[] {
  const held = (name: string): number =>
    matrix.cells.filter(cell => cell.strategy === name && cell.observed === 'safe').length;
  const hazards = (one: MatrixStrategy): number => (one.hazard === null ? 0 : 1);
  return matrix.strategies.toSorted(
    (a, b) =>
      hazards(a) - hazards(b) || held(b.name) - held(a.name) || a.name.localeCompare(b.name),
  );
}

/** The cells of one strategy, one per place of the matrix. */
export function cellsOfRow(
  { cells, places }: Matrix,
  name: string,
): readonly (MatrixCell | undefined)[] {
  return places.map(place => cells.find(cell => cell.place === place && cell.strategy === name));
}

export interface Counts {
  readonly held: number;
  readonly violated: number;
  readonly against: number;
  readonly open: number;
  readonly notProvoked: number;
  readonly notOffered: number;
}

/** The number of cells by result. */
export function countsOf(cells: readonly Marked[]): Counts {
  const having = (want: (cell: Marked) => boolean): number => cells.filter(want).length;
  return {
    held: having(cell => cell.observed === 'safe'),
    violated: having(cell => cell.observed === 'unsafe' && cell.agreement === 'as claimed'),
    against: having(cell => cell.agreement === 'claim violated'),
    open: having(cell => cell.agreement === 'not shown'),
    notProvoked: having(cell => cell.agreement === 'not provoked'),
    notOffered: having(cell => cell.observed === 'not offered'),
  };
}

/** Why cells are not offered: rows of reason, strategies, places. */
export function notOffered({ cells, places }: Matrix): readonly (readonly string[])[] {
  const missing = cells.filter(cell => cell.observed === 'not offered');
  const reasons = [...new Set(missing.map(cell => cell.because))].sort();
  return reasons.map(because => {
    const those = missing.filter(cell => cell.because === because);
    const names = [...new Set(those.map(cell => cell.strategy))].sort();
    const where = places.filter(place => those.some(cell => cell.place === place));
    return [because, list(names), where.length === places.length ? 'everywhere' : list(where)];
  });
}
