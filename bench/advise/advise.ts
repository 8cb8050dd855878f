/** The advice for an operation: a pure function of the evidence and the answers. */
import { type Change, changesOf } from './changes.ts';
import { type Cell, cellIn, type Evidence, type PlaceFacts, type Source } from './evidence.ts';
import { type Judged, type Judgement, judge, type Ranked } from './judge.ts';
import { type Need, needsOf } from './needs.ts';
import type { Given } from './questions.ts';

/** The same operation, written in another way, under which what is admissible here was seen to fail. */
export interface Trap extends PlaceFacts {
  readonly cells: readonly Cell[];
}

export interface Advice {
  readonly given: Given;
  readonly judgement: Judgement;
  readonly needs: readonly Need[];
  /** The first to take; undefined if nothing is admissible. */
  readonly take: Ranked | undefined;
  /** Where nothing is admissible: those with the fewest cells against them. */
  readonly closest: readonly Judged[];
  readonly changes: readonly Change[];
  readonly traps: readonly Trap[];
  readonly sources: readonly Source[];
}

export function advise(evidence: Evidence, given: Given): Advice {
  const judgement = judge(evidence, given.answers);
  const take = judgement.admissible[0];
  return {
    given,
    judgement,
    needs: needsOf(given.answers),
    take,
    closest: take ? [] : closestOf(judgement),
    changes: changesOf(evidence, judgement),
    traps: trapsOf(evidence, judgement),
    sources: evidence.sources,
  };
}

function closestOf({ excluded, unknown }: Judgement): Judged[] {
  const all = [...unknown, ...excluded].filter(({ strategy }) => strategy.facts.hazard === 'none');
  const least = Math.min(...all.map(one => one.against.length));
  return all.filter(one => one.against.length === least);
}

/** Variants of the priced operation in which an admissible strategy is ✗. */
function trapsOf(evidence: Evidence, { place, admissible }: Judgement): Trap[] {
  const [scenario] = place.split('/');
  return evidence.places
    .filter(one => one.place !== place && one.place.split('/')[0] === scenario)
    .flatMap(facts => {
      const cells = admissible.flatMap(({ strategy }) => {
        const cell = cellIn(evidence, strategy.name, { table: 'matrix', place: facts.place });
        return cell?.value === '✗' ? [cell] : [];
      });
      return cells.length > 0 ? [{ ...facts, cells }] : [];
    });
}
