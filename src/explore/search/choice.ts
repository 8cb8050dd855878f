/** What the scheduler may do next. Its token is one item of the schedule string. */
export interface Choice {
  /**
   * `A` a step of the first actor (`A1` the second of several that it holds), `a` its clock moves
   * to its next timer, `^A` the server makes it a deadlock's victim; events: `!A` crash,
   * `?A` step with its reply lost, `*A` backend terminated, `~A` paused past its lease,
   * `@A` a timeout that it has set at the server ends its wait,
   * `%` leases expire, `#` Redis loses its data.
   */
  readonly token: string;
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
] as const;

/** What can go wrong at a point of a schedule; each is a switch of its own. */
export type EventKind = (typeof eventKinds)[number];

export function isEvent(choice: Choice): boolean {
  return eventKinds.some(kind => kind === choice.kind);
}

/** The letter of an actor: A, B, C … */
export function letter(actor: number): string {
  return String.fromCharCode(65 + actor);
}
