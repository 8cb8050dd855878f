import type { Guard, Isolation, Wording } from './strategy.ts';
import type { Query, Tx } from './tx.ts';

/** Both ends COMMIT; only a throw rolls back. `accepted` holds the id of the effect, `refused` a reason code. */
export type Decision = { readonly accepted: string } | { readonly refused: string };

export interface Context {
  /** Written with every effect. Not unique in the schema: it would cure what it is there to show. */
  readonly commandId: string;
  /** Aborted when a lease or a session behind this command is known to be lost. Made when it is asked for. */
  readonly lost: AbortSignal;
  readonly fetch: typeof fetch;
}

/** Check, decide, act: written once, and it never knows which strategy runs. */
export type Rule<C> = (tx: Tx, command: C, context: Context) => Promise<Decision>;

/**
 * `duplicate`: a committed effect in excess. `lost update`: the state does not add up to the effects.
 * `lost acknowledgement`: accepted, but not in the database. `false refusal`: refused though capacity
 * remained when all had settled. `inconsistent`: another invariant of the scenario. `stuck`: all
 * actors ended, all leases passed, and a fresh actor cannot get its turn.
 */
export type ViolationKind =
  | 'duplicate'
  | 'lost update'
  | 'lost acknowledgement'
  | 'false refusal'
  | 'inconsistent'
  | 'stuck';

/** One row of an audit. */
export interface Violation {
  readonly key: string;
  readonly kind: ViolationKind;
  /** Effects in excess for `duplicate`, else 1 per finding. */
  readonly excess: number;
  readonly detail: string;
}

/** What a variant is, as far as a prediction needs to know. */
export interface Traits {
  /** Of the wording `steps`. */
  readonly acts: 'updates the deciding row' | 'inserts beside it' | 'takes any free row';
  /** `outside`: repeating it does harm. An idempotent effect counts as `inside`. */
  readonly effect: 'inside' | 'outside';
  /** Set where the variant is wrong whatever the strategy, for example because it locks the wrong key. */
  readonly expects?: Expected;
}

/** How a variant goes wrong, and with what it does not. */
export interface Expected {
  readonly unsafe: ViolationKind;
  readonly because: string;
  /**
   * Facts of a strategy that protect all the same: what does not go by the key or the row. `turns` and
   * `first`: that it takes a turn which lasts until COMMIT, or sends a statement first.
   */
  readonly exceptUnder?: readonly (Isolation | Guard | Wording | 'turns' | 'first')[];
}

export type Rules<C> = { readonly steps: Rule<C> } & { readonly [W in Wording]?: Rule<C> };

export interface Variant<C> extends Traits {
  readonly title: string;
  /** What must be decided one at a time, as `table/id`. The engine sorts them: one lock order. */
  keys(command: C): readonly string[];
  /** Each sees the rows that the others wrote. */
  readonly rules: Rules<C>;
}

/** A variant that decides about something else than the scenario's command: at a route of its own. */
export interface OwnRoute<C>
  extends Variant<C>,
    Pick<Scenario<C>, 'path' | 'load' | 'rounds' | 'prepare' | 'auditKey'> {}

/** A variant with its command type closed over. */
export interface RegisteredVariant extends Traits {
  readonly title: string;
  readonly wordings: readonly Wording[];
  /** The contended route, always POST. */
  readonly path: string;
  readonly load: Load;
  /** By name, without `plain`. */
  readonly rounds: Rounds;
  /** Parses, and reads only what never changes. Throws `InvalidInput` or `NotFound`. */
  prepare(input: Input, query: Query): Promise<Plan>;
}

/** A request as the edge hands it on, not yet checked. */
export interface Input {
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** A route that nobody contends for: it makes or shows what the contended one works on. */
export interface Route {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly title: string;
  /** Throws `InvalidInput` or `NotFound`. `query` runs inside one transaction. */
  handle(input: Input, query: Query): Promise<{ readonly status: number; readonly body: object }>;
}

/** One command of a load, as an HTTP request. */
export interface Call {
  readonly path: string;
  readonly body: object;
  /** Who sends it: two calls of one actor in a round are a double tap. */
  readonly actor: string;
}

/** Commands that are released together, all on one key. */
export interface Round {
  /** The id by which the audit knows the key. */
  readonly key: string;
  /** How many of the calls can be accepted. */
  readonly capacity: number;
  readonly calls: readonly Call[];
}

/** A kind of round that a load makes beside its usual one, which is called `plain`. */
export interface RoundKind {
  /** What is different in it, as a sentence. */
  readonly title: string;
  /** How many are asked and never come: what becomes of them is part of the question. */
  readonly absent?: number;
}

export type Rounds = Readonly<Record<string, RoundKind>>;

export interface RoundsPlan {
  readonly rounds: number;
  /** `plain` or a name among the scenario's `rounds`: all are of this kind. Without it: as users mix them. */
  readonly kind?: string;
  /** Distinct actors per round. */
  readonly rivals: number;
  /** Share of actors, 0 to 1, that send their call twice. */
  readonly doubleTapShare: number;
  readonly random: () => number;
}

/** Makes fresh keys in the database and says what users would send for them. */
export type Load = (plan: RoundsPlan, query: Query) => Promise<readonly Round[]>;

/**
 * One business operation that several callers contend for. A folder under `src/scenarios/` with
 * `index.ts` (default export `scenario({...})`), `schema.sql`, `audit.sql`, `audit-keys.sql` and
 * `README.md`.
 */
export interface Scenario<C> {
  readonly title: string;
  /** The contended route, always POST. */
  readonly path: string;
  /** What the audit shows when two act on one look. */
  readonly race: ViolationKind;
  /** Reasons of a refusal that mean that nothing is left: each is a claim that the audit checks. */
  readonly exhaustedReasons: readonly string[];
  /** The kinds of rounds that its load makes beside `plain` ones, by name. */
  readonly rounds?: Rounds;
  /** Parses, and reads only what never changes. Throws `InvalidInput` or `NotFound`. */
  prepare(input: Input, query: Query): Promise<C>;
  /** The id by which the audit knows what a command is about, whatever keys a variant locks. */
  auditKey(command: C): string;
  /** `ownRoute({…})` where one decides about something else than `C`. */
  readonly variants: Readonly<Record<string, Variant<C> | RegisteredVariant>>;
  readonly routes: readonly Route[];
  readonly load: Load;
}

/** A command that is ready to run under any strategy. */
export interface Plan {
  /** Sorted and without doubles. */
  readonly keys: readonly string[];
  /** The id by which the audit knows what it is about. */
  readonly auditKey: string;
  run(wording: Wording, tx: Tx, context: Context): Promise<Decision>;
}

/** A scenario with its command type closed over, so that a registry needs no cast. */
export interface Registered {
  readonly title: string;
  readonly path: string;
  readonly race: ViolationKind;
  readonly exhaustedReasons: readonly string[];
  /** Each with its route, which is `path` for most, and that route's load. */
  readonly variants: Readonly<Record<string, RegisteredVariant>>;
  readonly routes: readonly Route[];
  readonly load: Load;
  prepare(variant: string, input: Input, query: Query): Promise<Plan>;
}

/** Closes an authored scenario over its command type. */
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

/** Closes a variant over its command type. */
export function ownRoute<C>(variant: OwnRoute<C>): RegisteredVariant {
  const { title, acts, effect, expects, rules, path, load, rounds = {} } = variant;
  return {
    title,
    acts,
    effect,
    wordings: wordingsAll.filter(wording => rules[wording] !== undefined),
    ...(expects && { expects }),
    path,
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
  if (!rule) throw new Error(`${variant.title} is not written as '${wording}'`);
  return rule;
}

/** Every wording, in the order in which they are listed to people. */
export const wordingsAll: readonly Wording[] = [
  'steps',
  'conditional update',
  'conditional insert',
  'numbered slots',
  'precreated rows',
  'exclusion',
];
