import type { Form, Input, Route } from './route.ts';
import { type Guard, type Isolation, type Wording, wordingsAll } from './strategy.ts';
import type { Query, Tx } from './tx.ts';

/**
 * Both commit; only a throw rolls back. `accepted` holds the effect's id, `refused` a reason code.
 */
export type Decision = { readonly accepted: string } | { readonly refused: string };

export interface Context {
  /**
   * Written with every effect. Not unique in the schema: that would hide the very bug to detect.
   */
  readonly commandId: string;
  /**
   * Aborted once a lease or session behind this command is known to be lost. Created on first use.
   */
  readonly lost: AbortSignal;
  readonly fetch: typeof fetch;
}

/** Check, decide, act: written once, unaware of the strategy that runs it. */
export type Rule<C> = (tx: Tx, command: C, context: Context) => Promise<Decision>;

/**
 * `duplicate`: more committed effects than allowed. `lost update`: the state does not match the sum
 * of the effects. `lost acknowledgement`: accepted, but not in the database. `false refusal`:
 * refused although capacity was left once everything had settled. `inconsistent`: another invariant
 * of the scenario is broken. `stuck`: all actors have ended, all leases have expired, and a new
 * actor still cannot get the lock.
 */
export const violationKinds = [
  'duplicate',
  'lost update',
  'lost acknowledgement',
  'false refusal',
  'inconsistent',
  'stuck',
] as const;

export type ViolationKind = (typeof violationKinds)[number];

/** One row of an audit. */
export interface Violation {
  readonly key: string;
  readonly kind: ViolationKind;
  /**
   * For `duplicate` and `lost update` the least number of effects whose removal makes the state right,
   * otherwise 1. The live audit counts its growth.
   */
  readonly excess: number;
  readonly detail: string;
}

/** The facts about a variant that a prediction needs. */
export interface Traits {
  /** How the wording `steps` writes. */
  readonly acts: 'updates the deciding row' | 'inserts beside it' | 'takes any free row';
  /** `outside`: repeating it does damage. An idempotent effect counts as `inside`. */
  readonly effect: 'inside' | 'outside';
  /**
   * Set if the variant is broken under any strategy, for example because it locks the wrong key.
   */
  readonly expects?: Expected;
}

/** How a variant goes wrong, and which strategies are still safe. */
export interface Expected {
  readonly unsafe: ViolationKind;
  readonly because: string;
  /**
   * Facts of a strategy that still protect because they depend neither on the key nor on the row.
   * `turns`: it holds a lock until COMMIT; `first`: it sends a statement first.
   */
  readonly exceptUnder?: readonly (Isolation | Guard | Wording | 'turns' | 'first')[];
}

export type Rules<C> = { readonly steps: Rule<C> } & { readonly [W in Wording]?: Rule<C> };

export interface Variant<C> extends Traits {
  readonly title: string;
  /**
   * What must be decided one at a time, as `table/id`. The engine sorts them into one lock order.
   */
  keys(command: C): readonly string[];
  /** All wordings see each other's rows. */
  readonly rules: Rules<C>;
}

/** A variant with its own route, because it decides something other than the scenario's command. */
export interface OwnRoute<C>
  extends Variant<C>,
    Pick<Scenario<C>, 'path' | 'form' | 'load' | 'rounds' | 'prepare' | 'auditKey'> {}

/** A variant with its command type hidden in closures. */
export interface RegisteredVariant extends Traits {
  readonly title: string;
  readonly wordings: readonly Wording[];
  /** The contended route, always POST. */
  readonly path: string;
  readonly form: Form;
  readonly load: Load;
  /** By name, without `plain`. */
  readonly rounds: Rounds;
  /** Parses, and reads only what never changes. Throws `InvalidInput` or `NotFound`. */
  prepare(input: Input, query: Query): Promise<Plan>;
}

/** One command of a load, as an HTTP request. */
export interface Call {
  readonly path: string;
  readonly body: object;
  /** The sender. Two calls by one actor in a round are a double tap. */
  readonly actor: string;
  /**
   * What its refusal for this reason claims, where the audit can judge more than "nothing is left on
   * the key": the id under which it does, which begins with the key (`therapist/request`).
   */
  readonly refusal?: { readonly reason: string; readonly id: string } | undefined;
}

/** A refusal, as its caller knows it. */
export interface Refusal extends Pick<Call, 'refusal'> {
  readonly key: string;
  readonly reason: string;
}

/** The id under which the audit judges a refusal; undefined if it claims nothing. */
export function refusedIdOf(
  { key, reason, refusal }: Refusal,
  exhaustedReasons: readonly string[],
): string | undefined {
  if (refusal?.reason === reason) return refusal.id;
  return exhaustedReasons.includes(reason) ? key : undefined;
}

/** Commands sent at the same time, all on one key. */
export interface Round {
  /** The id under which the audit files the key. */
  readonly key: string;
  /** How many of the calls may be accepted. */
  readonly capacity: number;
  readonly calls: readonly Call[];
}

/** A kind of round that a load offers besides the default one, called `plain`. */
export interface RoundKind {
  /** What differs, as a sentence. */
  readonly title: string;
  /** How many are expected and never arrive; what happens to them is part of the test. */
  readonly absent?: number;
}

export type Rounds = Readonly<Record<string, RoundKind>>;

export interface RoundsPlan {
  readonly rounds: number;
  /** `plain` or one of the scenario's `rounds`; default: a realistic mix of all kinds. */
  readonly kind?: string;
  /** Distinct actors per round. */
  readonly rivals: number;
  /** Fraction of actors (0 to 1) that send their call twice. */
  readonly doubleTapShare: number;
  readonly random: () => number;
}

/** Creates fresh keys in the database and returns the calls that users would send. */
export type Load = (plan: RoundsPlan, query: Query) => Promise<readonly Round[]>;

/**
 * One business operation that several callers contend for. A folder under `src/scenarios/` with
 * `index.ts` (default export `scenario({...})`), `schema.sql`, `audit.sql`, `audit-keys.sql`,
 * `deciders.sql` and `README.md`.
 */
export interface Scenario<C> {
  readonly title: string;
  /** The contended route, always POST. */
  readonly path: string;
  /** What it is sent and may refuse; `prepare` parses by the same schemas. */
  readonly form: Form;
  /** The violation that the audit reports when two callers act on the same read. */
  readonly race: ViolationKind;
  /** Refusal reasons that claim nothing is left; the audit verifies the claim. */
  readonly exhaustedReasons: readonly string[];
  /** The kinds of rounds its load offers besides `plain`, by name. */
  readonly rounds?: Rounds;
  /** Parses, and reads only what never changes. Throws `InvalidInput` or `NotFound`. */
  prepare(input: Input, query: Query): Promise<C>;
  /** The id under which the audit files a command, whatever keys a variant locks. */
  auditKey(command: C): string;
  /** `ownRoute({…})` for a variant that decides something other than `C`. */
  readonly variants: Readonly<Record<string, Variant<C> | RegisteredVariant>>;
  readonly routes: readonly Route[];
  readonly load: Load;
}

/** A command ready to run under any strategy. */
export interface Plan {
  /** Sorted, without duplicates. */
  readonly keys: readonly string[];
  /** The id under which the audit files it. */
  readonly auditKey: string;
  run(wording: Wording, tx: Tx, context: Context): Promise<Decision>;
}

/** A scenario with its command type hidden in closures, so that a registry needs no cast. */
export interface Registered {
  readonly title: string;
  readonly path: string;
  readonly race: ViolationKind;
  readonly exhaustedReasons: readonly string[];
  /** Each with its route (for most it is `path`) and that route's load. */
  readonly variants: Readonly<Record<string, RegisteredVariant>>;
  readonly routes: readonly Route[];
  readonly load: Load;
  prepare(variant: string, input: Input, query: Query): Promise<Plan>;
}

/** Hides the command type of a scenario in closures. */
export function scenario<C>(authored: Scenario<C>): Registered {
  const { title, path, race, exhaustedReasons, routes, load } = authored;
  const variants = Object.fromEntries(
    Object.entries(authored.variants).map(([name, variant]) => [
      name,
      'wordings' in variant ? variant : ownRoute({ ...authored, ...variant }),
    ]),
  );
  return {
    title,
    path,
    race,
    exhaustedReasons,
    routes,
    load,
    variants,
    async prepare(name, input, query) {
      const variant = variants[name];
      if (!variant) throw new Error(`${title} has no variant '${name}'`);
      return variant.prepare(input, query);
    },
  };
}

/** Hides the command type of a variant in closures. */
export function ownRoute<C>(variant: OwnRoute<C>): RegisteredVariant {
  const { title, acts, effect, expects, rules, path, form, load, rounds = {} } = variant;
  return {
    title,
    acts,
    effect,
    wordings: wordingsAll.filter(wording => rules[wording] !== undefined),
    ...(expects && { expects }),
    path,
    form,
    load,
    rounds,
    async prepare(input, query) {
      const command = await variant.prepare(input, query);
      const keys = [...new Set(variant.keys(command))].sort();
      return {
        keys,
        auditKey: variant.auditKey(command),
        run: (wording, tx, context) => ruleOf(variant, wording)(tx, command, context),
      };
    },
  };
}

function ruleOf<C>(variant: Variant<C>, wording: Wording): Rule<C> {
  const rule = variant.rules[wording];
  if (!rule) throw new Error(`${variant.title} has no wording '${wording}'`);
  return rule;
}
