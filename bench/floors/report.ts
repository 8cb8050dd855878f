/** Floors and peers as Markdown: figures of the run, and the ratio inside each repetition. Pure. */
import { figure, whole } from '../report/format.ts';
import { spreadOf } from '../statistics.ts';
import { type ContestResult, ratiosOf } from './contest.ts';

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
  return result.targets.map(({ of, against, atLeast }) => {
    const ratio = spreadOf(ratiosOf(result, of, against));
    const wanted = `${of} ≥ ${figure(atLeast)} of ${against}`;
    if (!ratio) return { text: `? ${wanted}: not measured`, met: undefined };
    const met = ratio.median >= atLeast;
    const seen = `${figure(ratio.median)} (${figure(ratio.min)}–${figure(ratio.max)})`;
    return { text: `${met ? '✓' : '✗'} ${wanted}: ${seen}`, met };
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
  const { title, unit, baseline, entries, repetitions, failed, notes } = result;
  const rows = entries.map(name => {
    const spread = spreadOf(repetitions.flatMap(figures => figures[name] ?? []));
    const ratio = spreadOf(ratiosOf(result, name, baseline));
    const seen = spread
      ? `${whole(Math.round(spread.median))} (${whole(Math.round(spread.min))}–${whole(Math.round(spread.max))})`
      : `could not run: ${failed[name] ?? 'no repetition'}`;
    return `| ${name} | ${seen} | ${ratio ? `${figure(ratio.median)} (${figure(ratio.min)}–${figure(ratio.max)})` : '–'} |`;
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
