import type { ServerUrls } from '../../../src/explore/run/stage.ts';
import { type Limits, outcomesOf, replayed, type Searched, scheduleText } from './outcomes.ts';
import { type Program, textOf } from './program.ts';

export interface Compared {
  readonly program: Program;
  readonly kind: 'equal' | 'lost' | 'skipped' | 'unclear';
  readonly unreduced: Searched;
  readonly reduced: Searched | undefined;
  /** The reason if skipped or unclear. */
  readonly why: string;
  /** Outcomes that only the unreduced search found, each with an order that leads to it. */
  readonly missing: readonly Missing[];
}

export interface Missing {
  readonly outcome: string;
  readonly tokens: readonly string[];
}

/** How often the order that shows a missing outcome is replayed before it counts. */
const confirmations = 3;

/** Checks that the reduced search finds exactly the outcomes of the unreduced one. */
export async function compareSearches(
  program: Program,
  servers: ServerUrls,
  limits: Limits,
): Promise<Compared> {
  const unreduced = await outcomesOf(program, servers, false, limits);
  const none = { program, unreduced, reduced: undefined, missing: [] };
  const failed = unreduced.failed;
  if (failed !== undefined) {
    return { ...none, kind: failed.kind === 'too large' ? 'skipped' : 'unclear', why: failed.why };
  }
  // the reduced search also counts abandoned executions, so its limit is higher
  const roomy = { ...limits, ordersMax: limits.ordersMax * 4 };
  const reduced = await outcomesOf(program, servers, true, roomy);
  const both = { program, unreduced, reduced, missing: [] };
  if (reduced.failed !== undefined) return { ...both, kind: 'unclear', why: reduced.failed.why };
  const extra = without(reduced, unreduced);
  if (extra.length > 0) {
    return { ...both, kind: 'unclear', why: `an order has two outcomes: ${extra[0]?.outcome}` };
  }
  const missing = without(unreduced, reduced);
  const [first] = missing;
  if (first === undefined) return { ...both, kind: 'equal', why: '' };
  const again = await replayed(program, servers, first.tokens, confirmations);
  const other = again.find(outcome => outcome !== first.outcome);
  if (other !== undefined)
    return { ...both, kind: 'unclear', why: `an order has two outcomes: ${other}` };
  return { ...both, kind: 'lost', why: '', missing };
}

function without(all: Searched, other: Searched): Missing[] {
  return [...all.outcomes].flatMap(([outcome, tokens]) => {
    return other.outcomes.has(outcome) ? [] : [{ outcome, tokens }];
  });
}

/** Describes the loss: the program, the missing outcomes, and an order that shows each. */
export function lostText({ program, unreduced, reduced, missing }: Compared): string {
  const lines = missing.map(({ outcome, tokens }) => {
    return `  ${scheduleText(tokens)}\n    ${outcome.replaceAll('\n', '\n    ')}`;
  });
  const counts =
    `${missing.length} of ${unreduced.outcomes.size} outcomes missing: ` +
    `${unreduced.orders} orders unreduced, ${reduced?.orders} reduced`;
  return [textOf(program), counts, ...lines].join('\n');
}
