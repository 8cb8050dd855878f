import {
  type Attempt,
  Failure,
  type Guardian,
  type Held,
  Losses,
  type ReleaseEnd,
} from '../../src/contract/index.ts';

const worstFirst: readonly ReleaseEnd[] = ['lost', 'unknown', 'already gone', 'released'];

/** Takes several keys one after another, in the sorted order, where no one step can take them all. */
export function oneByOne(single: Guardian): Guardian {
  /** Takes the rest of the keys inside what is held already. */
  async function inside<T>(
    attempt: Attempt,
    [key, ...others]: readonly string[],
    held: readonly Held[],
    inner: (held: Held) => Promise<T>,
  ): Promise<T> {
    if (key === undefined) return inner(new Losses(held));
    return single.turn(attempt, [key], mine => {
      if (new Losses(held).isLost()) throw new Failure('turn-lost'); // while it waited
      return inside(attempt, others, [...held, mine], inner);
    });
  }

  return {
    ...single,
    async turn(attempt, keys, inner) {
      if (keys.length === 1) return single.turn(attempt, keys, inner);
      const ends: ReleaseEnd[] = [];
      try {
        return await inside({ ...attempt, report: end => ends.push(end) }, keys, [], inner);
      } finally {
        const worst = worstFirst.find(end => ends.includes(end));
        if (worst !== undefined) attempt.report(worst); // one turn, one end
      }
    },
  };
}
