/** The report on floors and peers: figures, and ratios within each repetition. Pure. */

import { spreadOf } from '../lab/statistics.ts';
import { figure, spread, whole } from '../page/format.ts';
import { type Fact, numbers, type Report, type Section, words } from '../page/report.ts';
import { figuresOf, ratiosOf } from './contest.ts';
import type { ContestResult, FloorsResult } from './schema.ts';

/** Whether a target is met, by the median of the figures or ratios. */
export interface Verdict {
  readonly text: string;
  readonly met: boolean | undefined;
}

export function verdictsOf(result: ContestResult): readonly Verdict[] {
  return result.targets.map(target => {
    const { of, against, atLeast, atMost } = target;
    const bound = atLeast === undefined ? `≤ ${figure(atMost ?? 0)}` : `≥ ${figure(atLeast)}`;
    const wanted = `${of} ${bound} ${against === undefined ? result.unit : `of ${against}`}`;
    const seen = spreadOf(
      against === undefined ? figuresOf(result, of) : ratiosOf(result, of, against),
    );
    if (!seen) return { text: `? ${wanted}: not measured`, met: undefined };
    const met =
      seen.median >= (atLeast ?? 0) && seen.median <= (atMost ?? Number.POSITIVE_INFINITY);
    return { text: `${met ? '✓' : '✗'} ${wanted}: ${spread(seen)}`, met };
  });
}

/** The whole report of a run. */
export function floorsReport(result: FloorsResult): Report {
  return {
    title: 'Floors and peers',
    warnings: floorsWarnings(result),
    sections: floorsSections(result),
  };
}

/** Why the run is incomplete, if it is. */
export function floorsWarnings({ facts }: FloorsResult): readonly string[] {
  return facts.INCOMPLETE ? [`Floors: ${facts.INCOMPLETE}.`] : [];
}

/** One section per contest, then the conditions. */
export function floorsSections({
  contests,
  startedAt,
  seconds,
  facts,
}: FloorsResult): readonly Section[] {
  const started: Fact = ['started', `${startedAt}, ${whole(Math.round(seconds))} s`];
  return [
    ...contests.map(contestSection),
    {
      title: 'Conditions of the floors',
      blocks: [
        'Figures are the median of the repetitions (lowest–highest). Ratios are computed within each repetition, so that a slower machine slows both.',
        { kind: 'facts', facts: [started, ...Object.entries(facts)] },
      ],
    },
  ];
}

function contestSection(contest: ContestResult): Section {
  const { title, unit, baseline, entries, failed, notes } = contest;
  return {
    title,
    blocks: [
      ...notes,
      {
        kind: 'table',
        caption: title,
        columns: [...words('what'), ...numbers(unit, `× ${baseline}`)],
        rows: entries.map(name => {
          const own = spreadOf(figuresOf(contest, name));
          const ratio = spreadOf(ratiosOf(contest, name, baseline));
          const seen = own ? spread(own) : `could not run: ${failed[name] ?? 'no repetition'}`;
          return { cells: [name, seen, spread(ratio)] };
        }),
      },
      { kind: 'list', items: verdictsOf(contest).map(({ text }) => text) },
    ],
  };
}
