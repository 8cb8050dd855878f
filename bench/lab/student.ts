/** Student's t distribution, and Welch's test of two means. Pure. */

/** Terms of the continued fraction; it converges in fewer than 100 for every t and degree here. */
const termsMax = 500;
const precision = 1e-12;

/**
 * The probability of |T| ≥ |t| with `degrees` of freedom (which need not be whole), by the regularized
 * incomplete beta function (https://dlmf.nist.gov/8.17).
 */
export function twoSidedP(t: number, degrees: number): number {
  if (!(degrees > 0)) throw new Error(`expected degrees of freedom > 0, got ${degrees}`);
  if (t === 0) return 1;
  if (!Number.isFinite(t)) return 0;
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}

/** The t that |T| exceeds with this probability, found by bisection. */
export function twoSidedT(probability: number, degrees: number): number {
  if (!(probability > 0 && probability < 1))
    throw new Error(`expected a probability between 0 and 1, got ${probability}`);
  let [low, high] = [0, 1];
  while (twoSidedP(high, degrees) > probability) high *= 2;
  for (let step = 0; step < 100; step += 1) {
    const middle = (low + high) / 2;
    if (twoSidedP(middle, degrees) > probability) low = middle;
    else high = middle;
  }
  return high;
}

/** Welch's two-sample test. `p` is two-sided. */
export interface Welch {
  /** The mean of `b` less that of `a`. */
  readonly difference: number;
  readonly p: number;
  /** Half the width of the 95 % interval of the difference. */
  readonly plusMinus: number;
}

/** Undefined where either sample has fewer than two values: then no test can be made. */
export function welch(a: readonly number[], b: readonly number[]): Welch | undefined {
  if (a.length < 2 || b.length < 2) return undefined;
  const [one, other] = [momentsOf(a), momentsOf(b)];
  const difference = other.mean - one.mean;
  const variance = one.ofMean + other.ofMean;
  if (variance === 0) return { difference, p: difference === 0 ? 1 : 0, plusMinus: 0 };
  const degrees =
    variance ** 2 / (one.ofMean ** 2 / (a.length - 1) + other.ofMean ** 2 / (b.length - 1));
  const error = Math.sqrt(variance);
  return {
    difference,
    p: twoSidedP(difference / error, degrees),
    plusMinus: twoSidedT(0.05, degrees) * error,
  };
}

/**
 * Adjusts p-values for testing all of them at once (Holm 1979): the chance that any equal pair ends
 * below a limit is at most that limit. In the order given.
 */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((p, at) => ({ p, at })).sort((x, y) => x.p - y.p);
  const adjusted = ps.map(() => 1);
  let least = 0;
  for (const [rank, { p, at }] of order.entries()) {
    least = Math.max(least, Math.min(1, p * (ps.length - rank)));
    adjusted[at] = least;
  }
  return adjusted;
}

function momentsOf(sample: readonly number[]): { readonly mean: number; readonly ofMean: number } {
  const mean = sample.reduce((sum, value) => sum + value, 0) / sample.length;
  const squares = sample.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, ofMean: squares / (sample.length - 1) / sample.length };
}

/** I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(
    logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x),
  );
  // the fraction converges fast on this side of the mean only; the other follows by symmetry
  return x < (a + 1) / (a + b + 2)
    ? (front * fraction(x, a, b)) / a
    : 1 - (front * fraction(1 - x, b, a)) / b;
}

/** The continued fraction of DLMF 8.17.22, by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const safe = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= termsMax; m += 1) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / safe(1 + term * d);
      c = safe(1 + term / c);
      value *= d * c;
    }
    if (Math.abs(d * c - 1) < precision) return value;
  }
  throw new Error(`the incomplete beta function did not converge at ${x}, ${a}, ${b}`);
}

/** log Γ(x), x > 0: Stirling's series (https://dlmf.nist.gov/5.11.1) from 10 upwards. */
function logGamma(x: number): number {
  let [shifted, correction] = [x, 0];
  while (shifted < 10) {
    correction -= Math.log(shifted);
    shifted += 1;
  }
  const inverse = 1 / shifted;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square / 1680)));
  return (
    correction + (shifted - 0.5) * Math.log(shifted) - shifted + Math.log(2 * Math.PI) / 2 + series
  );
}
