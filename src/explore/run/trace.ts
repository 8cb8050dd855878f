import type { EventKind } from '../search/choice.ts';
import type { Patience } from './settle.ts';

/** One line of the timeline. */
export interface TraceLine {
  readonly token: string;
  readonly actor: number | undefined;
  readonly store: string;
  readonly label: string;
  /** What came back; empty while it waits. */
  result: string;
  /** How many lines there were when its reply came: more than its own number if it waited. */
  answeredAfter: number;
  /** What the caller was told, in canonical text; absent where nothing came. */
  reply?: string;
}

/** What was sent to Postgres. */
export function statementsOf(lines: readonly TraceLine[]): string[] {
  return lines.flatMap(({ store, label }) => (store === 'postgres' ? [label] : []));
}

export type ExecutionEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'stuck'; readonly why: string }
  | { readonly kind: 'abandoned' }
  /** Its time was over: it counts as nothing. */
  | { readonly kind: 'late' }
  | { readonly kind: 'inconclusive'; readonly why: string };

export interface ExecutionSettings {
  readonly patience: Patience;
  /** Aborted: the running order is given up. */
  readonly signal?: AbortSignal;
  readonly stepsMax: number;
  /** BEGIN runs together with the statement after it. */
  readonly fuseBegin: boolean;
  /** BEGIN may also be taken as a step of its own. */
  readonly beginsApart?: boolean;
  readonly fuseNodes: boolean;
  readonly phases: boolean;
  readonly events: ReadonlySet<EventKind>;
  readonly eventsMax: number;
  /** A key that lives longer is no lease. */
  readonly leaseMaxMs: number;
  /** As in version 1 of the schedules: all leases end at once. */
  readonly leasesTogether: boolean;
  /** Orders may be left out: the servers are asked what steps touched. */
  readonly footprints: boolean;
  /** Hosts, with or without a port, that actors may reach past their gates. */
  readonly allowHosts: readonly string[];
}
