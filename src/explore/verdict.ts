import type { Exploration } from './result.ts';
import { timelineMarkdown, timelineText } from './timeline/text.ts';

/** The verdict in words, with its bound, the shortest counterexample and what it rests on. */
export function verdictText(found: Exploration, title = 'race', markdown = false): string {
  const { actors, bound, counterexample } = found;
  const most = (n: number | undefined): string =>
    n === undefined ? 'any number of' : `at most ${n}`;
  const lines = [
    `${title}: ${found.outcome}`,
    found.why,
    `bound: ${most(bound.preemptions)} preemptions, at most ${bound.events} events` +
      (found.exhausted
        ? ', every order within it'
        : `, ${Math.round(found.covered * 100)} % of it`),
    ...(found.pruned > 0 ? [`${found.pruned} further orders are equivalent to counted ones`] : []),
    '',
  ];
  if (counterexample !== undefined) {
    const source = { actors, counterexample };
    lines.push(markdown ? timelineMarkdown(source) : timelineText(source), '');
  }
  lines.push('This rests on:', ...found.assumptions.map(one => `- ${one}`), '');
  return lines.join('\n');
}

/**
 * For a test suite: throws unless every order within the bound satisfies the audit. The message
 * holds the timeline of the shortest counterexample and the schedule that replays it.
 */
export function assertSafe(found: Exploration, title?: string): void {
  if (found.outcome !== 'safe') throw new Error(verdictText(found, title));
}
