import type { Pair } from './pairs.ts';
import type { RecordedCall, RecordedRequest } from './record/recording.ts';
import type { Replayed } from './replay/replayer.ts';

type Two = Pick<Pair, 'first' | 'second'>;

const looks = new Set(['GET', 'HEAD']);

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
  const sides: readonly (readonly [RecordedRequest, readonly (Replayed | undefined)[]])[] = [
    [first, [oneWay[0], otherWay[1]]],
    [second, [otherWay[0], oneWay[1]]],
  ];
  const silent = sides.find(([, own]) => own.some(one => one?.statements.length === 0));
  return silent && `request ${silent[0].id} sent no statement: what it does is not seen`;
}

/** Providers that one of the two called when it was recorded, or may have. */
export function callsOf({ first, second }: Two, calls: readonly RecordedCall[]): readonly string[] {
  const own = calls.filter(({ among }) => among.includes(first.id) || among.includes(second.id));
  return [...new Set(own.map(({ provider }) => provider))];
}
