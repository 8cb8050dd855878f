/** Histories as a cell records them, for tests of the judge. */
import type { Operation, Role } from '../../../bench/faults/history.ts';

type Answer = 'accepted' | 'refused' | 'busy' | 'failed' | 'unknown' | 'none';

const types = {
  accepted: 'ok',
  refused: 'ok',
  busy: 'fail',
  failed: 'fail',
  unknown: 'info',
  none: 'info',
} as const;

export interface Sent {
  readonly role: Role;
  readonly answer: Answer;
  readonly sentMs: number;
  readonly atMs: number;
  readonly key?: string;
  readonly service?: number;
  readonly detail?: string;
  /** What its refusal for a reason claims. */
  readonly refusal?: { readonly reason: string; readonly id: string };
  /** Empty: nobody was told it. */
  readonly commandId?: string;
}

/** Both lines of each command; `none` has only its invocation. */
export function historyFrom(commands: readonly Sent[]): Operation[] {
  return commands.flatMap(
    (
      { role, answer, sentMs, atMs, key = '7', service = 1, commandId, detail = '', refusal },
      id,
    ) => {
      const head = { id, process: id, service, role, f: 'gift-card', key };
      const sent = { amountCents: id };
      const invoke: Operation = {
        type: 'invoke',
        ...head,
        value: { sent, ...(refusal && { refusal }) },
        time: sentMs,
      };
      if (answer === 'none') return [invoke];
      const told = commandId ?? (answer === 'unknown' ? '' : `c${id}`);
      const value = { sent, outcome: answer, detail, ...(told && { commandId: told }) };
      return [invoke, { type: types[answer], ...head, value, time: atMs }];
    },
  );
}
