import type { Exploration } from './result.ts';
import { timelineMarkdown, timelineText } from './timeline/text.ts';
import { toldText } from './told.ts';

const meetingsMax = 4;

/** The verdict in words: outcome, bound, shortest counterexample and assumptions. */
export function verdictText(found: Exploration, title = 'race', markdown = false): string {
  const { actors, counterexample } = found;
  const lines = [
    `${title}: ${found.outcome}`,
    found.why,
    ...inWords(found),
    ...adviceOf(found),
    boundText(found),
    ...(found.pruned > 0 ? [`${found.pruned} further orders are equivalent to counted ones`] : []),
    '',
  ];
  if (counterexample !== undefined) {
    const source = { actors, counterexample };
    lines.push(markdown ? timelineMarkdown(source) : timelineText(source), '');
  }
  lines.push(
    ...section('What the callers were told:', found.orders > 0 ? found.told.map(toldText) : []),
  );
  lines.push(
    ...section(
      'How they met:',
      found.meetings.slice(0, meetingsMax).map(one => one.how),
    ),
  );
  if (found.outcome !== 'inconclusive') {
    lines.push(
      ...section(
        'Caveats:',
        found.doubts.map(({ why, change }) => `${why}: ${change}`),
      ),
    );
  }
  lines.push(
    ...section('Keys that live too long to be leases, so no event ended them:', found.keptKeys),
  );
  if (found.cause !== undefined) lines.push(found.cause, '');
  lines.push(...section('Assumptions:', found.assumptions));
  return lines.join('\n');
}

function inWords({ explained }: Exploration): string[] {
  return explained === undefined ? [] : [`In words: ${explained.words} (${explained.anomaly})`];
}

function adviceOf({ outcome, advice, doubts }: Exploration): string[] {
  const changes = [...new Set(outcome === 'inconclusive' ? doubts.map(one => one.change) : [])];
  if (changes.length > 1) return ['What to change:', ...changes.map(one => `- ${one}`)];
  return advice === undefined ? [] : [`What to change: ${advice}`];
}

function boundText({ bound, exhausted, covered }: Exploration): string {
  const { preemptions, events } = bound;
  const most = preemptions === undefined ? 'any number of' : `at most ${preemptions}`;
  const share = exhausted ? 'every order within it' : `${Math.round(covered * 100)} % of it`;
  return `bound: ${most} preemptions, at most ${events} events, ${share}`;
}

function section(head: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : [head, ...items.map(one => `- ${one}`), ''];
}

/**
 * For a test suite: throws unless every order within the bound satisfies the audit and nothing casts
 * doubt on that. The message holds the timeline of the shortest counterexample and the schedule
 * that replays it.
 */
export function assertSafe(found: Exploration, title?: string): void {
  if (found.outcome !== 'safe' && found.outcome !== 'independent') {
    throw new Error(verdictText(found, title));
  }
}

/** The same for callers that must not meet: throws unless `expect: 'independent'` was met. */
export function assertIndependent(found: Exploration, title?: string): void {
  if (found.outcome !== 'independent') throw new Error(verdictText(found, title));
}
