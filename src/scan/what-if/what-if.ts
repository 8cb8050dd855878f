import { type Exploration, type ExploreOptions, explore } from '../../explore/explore.ts';
import type { Actor, Subject } from '../../explore/run/stage.ts';
import type { AddedRow } from '../../explore/serial/finding.ts';
import { type Cure, curesFor, type Rewritten, type Wrong } from './cures.ts';
import { observed } from './observed.ts';
import { Planner } from './planned.ts';
import { retried } from './retried.ts';
import { rewriterOf } from './rewriters.ts';

/** What the same callers came to under one cure. */
export interface WhatIfRow {
  readonly cure: string;
  readonly strategy: string | undefined;
  readonly migration: string;
  readonly roundTrips: number;
  readonly besides: string | undefined;
  readonly rewritten: readonly Rewritten[];
  /** Why it was not tried, or what came of it is no answer. */
  readonly notApplicable?: string;
  readonly tried?: Tried;
}

export interface Tried {
  readonly orders: number;
  /** Orders that differ from every serial order, or never end. */
  readonly wrong: number;
  /** Orders in which a caller ended with an error that asks for a retry. */
  readonly errors: number;
  /** Orders in which somebody waited for a lock. */
  readonly waited: number;
  /** Orders that could not be judged: then none of them is called right. */
  readonly notJudged: number;
  /** Every order within the bound was run. */
  readonly exhausted: boolean;
}

export interface WhatIf {
  /** The callers as they are. */
  readonly asIs: Exploration;
  readonly rows: readonly WhatIfRow[];
  /** Why there are no rows. */
  readonly why: string | undefined;
}

/** The orders of one cure stop here, in seconds. */
const secondsMax = 60;

/** Explores the callers as they are, and then under each cure that the wire allows. */
export async function whatIf(subject: Subject, options: ExploreOptions): Promise<WhatIf> {
  const plain = { secondsMax, ...options };
  const serial: Subject = { ...subject, judge: 'serial' };
  const asIs = await explore(serial, plain);
  const order =
    asIs.serial?.shortest.get('effects differ') ?? asIs.serial?.shortest.get('only answers differ');
  if (order === undefined)
    return { asIs, rows: [], why: `no order differs from every serial order: ${asIs.why}` };
  const names = Object.keys(subject.actors);
  const { judgement } = order.record;
  const added = judgement?.added ?? [];
  const wrong: Wrong = {
    callers: await observed(order.record, names),
    added,
    extra: extraOf(added, judgement?.differences ?? []),
    masked: asIs.serial?.masked ?? [],
  };
  const planner = await Planner.open(subject, options.servers);
  const cures = await curesFor(wrong, planner).finally(() => planner.close());
  const rows: WhatIfRow[] = [];
  for (const cure of cures) {
    if (options.signal?.aborted) break;
    rows.push(await rowOf(cure, serial, plain, asIs));
  }
  return { asIs, rows, why: undefined };
}

/** Rows whose table is named among what only this order left. */
function extraOf(
  added: readonly AddedRow[],
  differences: readonly { readonly place: string; readonly what: string }[],
): readonly AddedRow[] {
  const places = new Set(differences.flatMap(one => (one.what === 'extra' ? [one.place] : [])));
  return added.filter(({ table }) => places.has(table));
}

async function rowOf(
  cure: Cure,
  subject: Subject,
  options: ExploreOptions,
  asIs: Exploration,
): Promise<WhatIfRow> {
  const { name, strategy, migration, roundTrips, besides, rewritten, notApplicable } = cure;
  const row = { cure: name, strategy, migration, roundTrips, besides, rewritten };
  if (notApplicable !== undefined) return { ...row, notApplicable };
  const found = await explore(under(cure, subject), {
    ...options,
    rewriter: actor => rewriterOf(cure.saying(actor)),
  });
  const unfit = unfitFor(found, asIs);
  if (unfit !== undefined) return { ...row, notApplicable: unfit };
  return { ...row, tried: triedOf(found) };
}

function under({ setup, retries }: Cure, subject: Subject): Subject {
  const actors: Record<string, Actor> = {};
  for (const [name, act] of Object.entries(subject.actors))
    actors[name] = retries ? retried(act) : act;
  return {
    ...subject,
    actors,
    setup: setup === '' ? subject.setup : `${subject.setup};\n${setup}`,
  };
}

/** Why the figures of a cure would be no answer. */
function unfitFor({ serial, outcome, why }: Exploration, asIs: Exploration): string | undefined {
  if (serial === undefined || outcome === 'setup-failed' || outcome === 'internal-error')
    return why;
  const judged = Object.values(serial.orders).reduce((sum, count) => sum + count, 0);
  if (judged === 0) return why;
  const fails = (told: readonly (readonly string[])[]): boolean =>
    told.some(texts => texts.some(text => /^(threw|told 5\d\d)/.test(text)));
  if (fails(serial.told) && !fails(asIs.serial?.told ?? []))
    return 'it refuses what callers do one after the other, too';
  return undefined;
}

function triedOf({ serial, orders, exhausted, waited }: Exploration): Tried {
  const count = serial?.orders;
  return {
    orders,
    wrong:
      (count?.['effects differ'] ?? 0) +
      (count?.['only answers differ'] ?? 0) +
      (count?.['never ends'] ?? 0),
    errors: count?.['only an error that asks for a retry'] ?? 0,
    waited,
    notJudged: count?.['not judged'] ?? 0,
    exhausted,
  };
}
