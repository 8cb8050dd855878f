/** Whether something grows over a soak: a slope with its interval, against what is tolerated. Pure. */
import { twoSidedT } from '../../lab/student.ts';

/** A value at a time. */
export interface Point {
  readonly minutes: number;
  readonly value: number;
}

export interface Growth {
  readonly perMinute: number;
  /** Half the width of the 95 % interval. */
  readonly plusMinus: number;
  readonly first: number;
  readonly last: number;
}

export const growthVerdicts = ['steady', 'grows', 'undecided'] as const;
export type GrowthVerdict = (typeof growthVerdicts)[number];

/** Neighbouring samples are alike: means over so many stretches of time are taken for independent. */
const stretches = 12;
const stretchesMin = 4;

/** By least squares over the means of equal stretches of time; undefined where they are too few. */
export function growthOf(points: readonly Point[]): Growth | undefined {
  const means = meansOf(points);
  if (means.length < stretchesMin) return undefined;
  const [first, last] = [means[0]?.value ?? 0, means.at(-1)?.value ?? 0];
  const x = averageOf(means.map(({ minutes }) => minutes));
  const y = averageOf(means.map(({ value }) => value));
  const sxx = sumOf(means.map(({ minutes }) => (minutes - x) ** 2));
  const sxy = sumOf(means.map(({ minutes, value }) => (minutes - x) * (value - y)));
  const perMinute = sxy / sxx;
  const left = sumOf(
    means.map(({ minutes, value }) => (value - y - perMinute * (minutes - x)) ** 2),
  );
  const degrees = means.length - 2;
  const error = Math.sqrt(left / degrees / sxx);
  return { perMinute, plusMinus: twoSidedT(0.05, degrees) * error, first, last };
}

/** `tolerated` per minute: what lies below it is none of a leak's business. */
export function growthVerdict(growth: Growth | undefined, tolerated: number): GrowthVerdict {
  if (!growth) return 'undecided';
  const { perMinute, plusMinus } = growth;
  if (perMinute - plusMinus > tolerated) return 'grows';
  return perMinute + plusMinus <= tolerated ? 'steady' : 'undecided';
}

function meansOf(points: readonly Point[]): Point[] {
  const times = points.map(({ minutes }) => minutes);
  const [from, until] = [Math.min(...times), Math.max(...times)];
  const length = (until - from) / stretches;
  if (!(length > 0)) return [];
  const within = Array.from({ length: stretches }, (): Point[] => []);
  for (const point of points)
    within[Math.min(stretches - 1, Math.floor((point.minutes - from) / length))]?.push(point);
  return within
    .filter(some => some.length > 0)
    .map(some => ({
      minutes: averageOf(some.map(({ minutes }) => minutes)),
      value: averageOf(some.map(({ value }) => value)),
    }));
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0);
const averageOf = (values: readonly number[]): number => sumOf(values) / values.length;
