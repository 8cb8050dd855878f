/** Floors and peers as Markdown: figures of the run, and the ratio inside each repetition. Pure. */
import { figure, spread, whole } from '../report/format.ts';
import { spreadOf } from '../statistics.ts';
import { type ContestResult, figuresOf, ratiosOf } from './contest.ts';

export interface FloorsResult {
  readonly format: 'lockstep floors';
  readonly version: 1;
  readonly startedAt: string;
  readonly seconds: number;
  readonly contests: readonly ContestResult[];
  readonly facts: Readonly<Record<string, string>>;
}

/** A target, met or not by the median of the ratios. */
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

export function floorsMarkdown({ contests, facts, startedAt, seconds }: FloorsResult): string {
  return [
    '# Floors and peers',
    [
      `- begun: ${startedAt}, ${whole(Math.round(seconds))} s`,
      ...Object.entries(facts).map(([name, value]) => `- ${name}: ${value}`),
    ].join('\n'),
    'Figures are the median of the repetitions (lowest–highest). Ratios are taken inside each repetition, so that a machine that slows down slows both.',
    ...contests.map(contest => section(contest)),
    '',
  ].join('\n\n');
}

function section(result: ContestResult): string {
  const { title, unit, baseline, entries, failed, notes } = result;
  const rows = entries.map(name => {
    const own = spreadOf(figuresOf(result, name));
    const ratio = spreadOf(ratiosOf(result, name, baseline));
    const seen = own ? spread(own) : `could not run: ${failed[name] ?? 'no repetition'}`;
    return `| ${name} | ${seen} | ${spread(ratio)} |`;
  });
  return [
    `## ${title}`,
    ...notes,
    [`| | ${unit} | × ${baseline} |`, '| --- | --- | --- |', ...rows].join('\n'),
    verdictsOf(result)
      .map(({ text }) => `- ${text}`)
      .join('\n'),
  ]
    .filter(part => part !== '')
    .join('\n\n');
}
