/** The result of a run of `faults` in five lines: what a report says first. Pure. */
import { counted, list, whole } from '../page/format.ts';
import { headline, markOf } from './report-marks.ts';
import type { FaultCell, FaultsRun } from './schema.ts';
import { controlsViolated, isBitten, lostOf, verdictOf } from './verdict.ts';

/** The result, what held, what claims nothing and was seen to fail, what was lost, and the controls. */
export function firstLines(run: FaultsRun): readonly string[] {
  const able = run.strategies
    .filter(({ hazard }) => !hazard)
    .map(({ name }) => ({
      name,
      cells: run.cells.filter(({ strategy }) => strategy === name),
    }));
  const marked = able.map(({ name, cells }) => ({
    name,
    marks: cells.map(cell => ({
      fault: cell.fault,
      state: cell.state,
      mark: markOf(cell, verdictOf(run, cell)),
    })),
  }));
  const held = marked.filter(one => run.end === 'complete' && hasHeld(one));
  const struck = run.cells.filter(({ judged }) => judged);
  const sum = (of: (cell: FaultsRun['cells'][number]) => number): string =>
    whole(struck.reduce((all, cell) => all + of(cell), 0));
  return [
    headline(run),
    held.length > 0
      ? `Held under every fault that concerns them: ${list(held.map(({ name }) => name))}.`
      : 'None is shown to have held under every fault that concerns it.',
    seenLine(marked),
    `${sum(lostOf)} of ${sum(({ judged }) => judged?.acknowledged ?? 0)} acknowledged effects were lost.`,
    controlsLine(run),
  ];
}

interface Marked {
  readonly name: string;
  readonly marks: readonly {
    readonly fault: string;
    readonly state: FaultCell['state'];
    readonly mark: string;
  }[];
}

/** Something struck it, and nothing that concerns it was left out. */
function hasHeld({ marks }: Marked): boolean {
  const struck = marks.filter(({ state }) => state !== 'not offered');
  return struck.length > 0 && struck.every(({ mark }) => mark === '✓');
}

function seenLine(all: readonly Marked[]): string {
  const told = all.flatMap(({ name, marks }) => {
    const seen = [...new Set(marks.filter(({ mark }) => mark === '~✗').map(({ fault }) => fault))];
    return seen.length > 0 ? [`${name} (${list(seen)})`] : [];
  });
  return told.length > 0
    ? `Two got in at once where it claims nothing: ${told.join('; ')}.`
    : 'Nobody was seen to let two in at once.';
}

/** Where a fault harms no control, what held was not put to the test. */
function controlsLine(run: FaultsRun): string {
  const faults = run.faults.filter(({ name }) => run.cells.some(({ fault }) => fault === name));
  const bitten = faults.filter(({ name }) =>
    run.cells.some(cell => cell.fault === name && isBitten(run, cell)),
  );
  const still = bitten.filter(
    ({ name, harm }) => harm === 'outage' && !controlsViolated(run, name),
  );
  const only =
    still.length > 0
      ? ` No control violated anything under ${list(still.map(({ name }) => name))}: a ✓ there tells of a standstill alone.`
      : '';
  return `${bitten.length} of ${counted(faults.length, 'fault')} harmed a control, as they must to prove anything.${only}`;
}
