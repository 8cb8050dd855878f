/** Whether a process holds more and more, and whether the soak says so. Pure. */
import { type ExitCode, exitCodes } from '../../lab/exit-codes.ts';
import { type Growth, type GrowthVerdict, growthOf, growthVerdict } from './growth.ts';
import type { Sample, SoakRun } from './schema.ts';

const mebi = 2 ** 20;

/** What is looked at, in its unit, and how much more of it per minute is no leak yet. */
export const measures = [
  {
    name: 'heap',
    unit: 'MiB',
    tolerated: 0.1,
    of: ({ heapBytes }: Sample) => (heapBytes === null ? null : heapBytes / mebi),
  },
  {
    name: 'resident',
    unit: 'MiB',
    tolerated: 0.5,
    of: ({ residentBytes }: Sample) => residentBytes / mebi,
  },
  { name: 'files', unit: '', tolerated: 0.1, of: ({ files }: Sample) => files },
  { name: 'connections', unit: '', tolerated: 0.3, of: ({ connections }: Sample) => connections },
] as const;

/** What is compiled, cached and pooled for the first time is no growth: this share is left out. */
export const warmShare = 1 / 3;
/** So many more files at rest are one more of each kind that a process opens once. */
const filesMore = 2;

export interface Held {
  readonly process: string;
  readonly measure: (typeof measures)[number];
  readonly growth: Growth | undefined;
  readonly verdict: GrowthVerdict;
}

/** Of each process that lived long enough, each measure. */
export function heldIn({ samples, seconds }: Pick<SoakRun, 'samples' | 'seconds'>): Held[] {
  const fromMinutes = (warmShare * seconds) / 60;
  return [...processesIn(samples)].flatMap(([process, all]) => {
    const warm = all.filter(({ minutes }) => minutes >= fromMinutes);
    return measures.map(measure => {
      const points = warm.flatMap(sample => {
        const value = measure.of(sample);
        return value === null ? [] : [{ minutes: sample.minutes, value }];
      });
      const growth = growthOf(points);
      return { process, measure, growth, verdict: heldVerdict(measure, growth) };
    });
  });
}

function heldVerdict(measure: Held['measure'], growth: Growth | undefined): GrowthVerdict {
  const verdict = growthVerdict(growth, measure.tolerated);
  if (!growth || measure.name !== 'files' || verdict === 'grows') return verdict;
  return growth.last - growth.first > filesMore ? 'grows' : verdict;
}

/** The samples of the process that lives at the end: one that was replaced began anew. */
export function processesIn(samples: readonly Sample[]): Map<string, Sample[]> {
  const last = new Map(samples.map(({ process, pid }) => [process, pid]));
  const series = new Map<string, Sample[]>();
  for (const sample of samples)
    if (last.get(sample.process) === sample.pid)
      series.set(sample.process, [...(series.get(sample.process) ?? []), sample]);
  return series;
}

/** The result in one sentence. */
export function soakAnswer(run: SoakRun): string {
  const held = heldIn(run);
  const named = (verdict: GrowthVerdict): string =>
    held
      .filter(one => one.verdict === verdict)
      .map(({ process, measure }) => `${measure.name} of ${process}`)
      .join(', ');
  const [grows, open] = [named('grows'), named('undecided')];
  const wrong = run.contradictions.length + run.lost;
  const ended = run.end === 'complete' ? '' : `The soak is ${endText(run)}. `;
  const claims = ended + (wrong > 0 ? `${wrong} times a claim was broken. ` : '');
  if (grows !== '') return `${claims}It leaks: ${grows}.`;
  if (open !== '' || held.length === 0)
    return `${claims}Not decided: ${open || 'nothing was measured'}; the rest is steady.`;
  return `${claims}Nothing grows: heap, memory, files and connections of every process are steady.`;
}

const endText = ({ end, brokenOff }: SoakRun): string =>
  end === 'interrupted' ? end : `${end} (${brokenOff})`;

export function soakExit(run: SoakRun): ExitCode {
  if (run.end === 'interrupted') return exitCodes.interrupted;
  const held = heldIn(run).map(({ verdict }) => verdict);
  if (run.contradictions.length > 0 || run.lost > 0 || held.includes('grows'))
    return exitCodes.claimBroken;
  const open = held.includes('undecided') || held.length === 0;
  return run.end === 'broken off' || open ? exitCodes.inconclusive : exitCodes.asClaimed;
}
