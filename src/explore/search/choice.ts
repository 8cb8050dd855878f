/** Something that may happen next. Its token is one item of the schedule string. */
export interface Choice {
  /**
   * Unlike every other token at the same point, and the same in every run of the program. `A` is a
   * step on the first connection of the first actor, `A2` one on its second: a connection keeps the
   * number that it got when it first held a step. `-A` is BEGIN without the statement that runs with
   * it in `A`. `+A` is the effect of a statement that stopped behind its snapshot, `a` the actor's
   * clock moves to its next timer, `^A` the server makes it a deadlock's victim. Events: `!A` crash,
   * `?A` a step whose reply is lost, `*A` backend terminated, `~A` paused past its lease, `@A` a timeout
   * that it has set at the server ends its wait, `&A` its own timer fires beside its request, `%1` the
   * first of the leases that can end does, `#` Redis loses its data.
   */
  readonly token: string;
  /** The token of version 1, in which a step and an effect could share one. */
  readonly legacy: string;
  readonly kind: 'step' | 'effect' | 'wake' | 'victim' | EventKind;
  readonly actor: number | undefined;
  /** Equal in every run of the same program; a replay that differs here is nondeterministic. */
  readonly shape: string;
}

export const eventKinds = [
  'crash',
  'lost-reply',
  'lease-expires',
  'redis-loses-data',
  'backend-terminated',
  'pause',
  'timeout',
  'client-timeout',
] as const;

/** Faults that can be injected at a point of a schedule; each can be switched on by itself. */
export type EventKind = (typeof eventKinds)[number];

export function isEvent(choice: Choice): choice is Choice & { readonly kind: EventKind } {
  return eventKinds.some(kind => kind === choice.kind);
}

/** The letter of an actor: A, B, C … */
export function letter(actor: number): string {
  return String.fromCharCode(65 + actor);
}
