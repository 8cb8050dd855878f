import type { Pair } from './pairs.ts';
import type { RecordedCall, RecordedRequest } from './record/recording.ts';
import type { Replayed } from './replay/replayer.ts';

type Two = Pick<Pair, 'first' | 'second'>;

const looks = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Why two serial runs clear nobody, whatever their statements are: what is done in files or in memory
 * is no statement, and refused callers did not get as far as what they were sent for.
 */
export function unseenBy(
  { first, second }: Two,
  oneWay: readonly Replayed[],
  otherWay: readonly Replayed[],
): string | undefined {
  const runs = [...oneWay, ...otherWay];
  const letIn = runs.some(({ answer }) => answer !== null && answer.status < 400);
  if (!letIn) return 'every answer refuses';
  if (looks.has(first.method) && looks.has(second.method)) return undefined;
  return silentOf([first, oneWay[0], otherWay[1]]) ?? silentOf([second, otherWay[0], oneWay[1]]);
}

type Side = readonly [request: RecordedRequest, ...runs: (Replayed | undefined)[]];

function silentOf([{ id }, ...runs]: Side): string | undefined {
  const silent = runs.some(one => one?.statements.length === 0);
  return silent ? `request ${id} sent no statement: what it does is not seen` : undefined;
}

/** Why orders that all equal a serial one are no verdict: the effects are where nobody compares. */
export function unjudgedBy(
  { first, second }: Two,
  oneWay: readonly Replayed[],
  otherWay: readonly Replayed[],
  calls: readonly RecordedCall[],
): string | undefined {
  const called = callsOf({ first, second }, calls);
  if (called.length > 0) return `calls to ${called.join(', ')} are not compared`;
  const sides: readonly Side[] = [
    [first, oneWay[0], otherWay[1]],
    [second, otherWay[0], oneWay[1]],
  ];
  for (const [request, ...runs] of sides) {
    if (looks.has(request.method)) continue;
    const why = silentOf([request, ...runs.filter(one => (one?.answer?.status ?? 500) < 400)]);
    if (why !== undefined) return why;
  }
  return undefined;
}

/** Providers that one of the two called when it was recorded, or may have. */
function callsOf({ first, second }: Two, calls: readonly RecordedCall[]): readonly string[] {
  const own = calls.filter(({ among }) => among.includes(first.id) || among.includes(second.id));
  return [...new Set(own.map(({ provider }) => provider))];
}
