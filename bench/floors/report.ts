/** The report on floors and peers: figures, and ratios within each repetition. Pure. */

import { spreadOf } from '../lab/statistics.ts';
import { figure, spread, whole } from '../page/format.ts';
import { factsMarkdown, type Section, sectionMarkdown } from '../page/section.ts';
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

/** Applies to all contests of a run. */
export const floorsNote =
  'Figures are the median of the repetitions (lowest–highest). Ratios are computed within each repetition, so that a slower machine slows both.';

export function floorsFacts({ startedAt, seconds, facts }: FloorsResult): [string, string][] {
  return [['started', `${startedAt}, ${whole(Math.round(seconds))} s`], ...Object.entries(facts)];
}

export function floorsMarkdown(result: FloorsResult): string {
  return [
    '# Floors and peers',
    factsMarkdown(floorsFacts(result)),
    floorsNote,
    ...floorsSections(result).map(sectionMarkdown),
    '',
  ].join('\n\n');
}

/** One section per contest. */
export function floorsSections({ contests }: FloorsResult): readonly Section[] {
  return contests.map(contest => {
    const { title, unit, baseline, entries, failed, notes } = contest;
    return {
      title,
      notes,
      columns: ['what', unit, `× ${baseline}`],
      rows: entries.map(name => {
        const own = spreadOf(figuresOf(contest, name));
        const ratio = spreadOf(ratiosOf(contest, name, baseline));
        const seen = own ? spread(own) : `could not run: ${failed[name] ?? 'no repetition'}`;
        return [name, seen, spread(ratio)];
      }),
      findings: verdictsOf(contest).map(({ text }) => text),
    };
  });
}
