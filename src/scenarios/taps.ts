import type { RoundsPlan } from '../contract/index.ts';

/** What each rival sends, rival by rival; some tap twice and send it again at once. */
export function tapped<T>(
  { rivals, doubleTapShare, random }: Pick<RoundsPlan, 'rivals' | 'doubleTapShare' | 'random'>,
  sentBy: (rival: number) => T,
): readonly T[] {
  return Array.from({ length: rivals }, (_, rival) => {
    const sent = sentBy(rival);
    return random() < doubleTapShare ? [sent, sent] : [sent];
  }).flat();
}
