/**
 * The own record of a run: every command at its invocation and at its answer, one operation a line, in
 * the form that checkers of histories (Porcupine, Elle, Jepsen's own) read: see docs/faults.md.
 */
import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { type Call, outcomeKinds } from '../../src/contract/index.ts';

/** Why a command was sent. */
export const roles = [
  'struck',
  'holder',
  'rival',
  'probe',
  /** The struck command once more, with the same Idempotency-Key; and without one. */
  'again',
  'repeat',
  'bystander',
] as const;

/** What is noted of a command whose caller has left, in the place of its answer. */
export const leftDetail = 'left';

export const operation = z.strictObject({
  /** `invoke`; `ok`: it was decided; `fail`: certainly no effect; `info`: nobody knows. */
  type: z.enum(['invoke', 'ok', 'fail', 'info']),
  /** Joins an answer to its invocation. */
  id: z.number().int(),
  /** A client, which has one command at a time; after `info` another one takes its place. */
  process: z.number().int(),
  /** The process of the service that was addressed. */
  service: z.number().int(),
  role: z.enum(roles),
  /** The scenario. */
  f: z.string(),
  key: z.string(),
  /** What was sent; at the answer also what was told. */
  value: z.strictObject({
    sent: z.unknown(),
    /** What a refusal for this reason would claim, where that is more than "nothing is left". */
    refusal: z.strictObject({ reason: z.string(), id: z.string() }).optional(),
    outcome: z.enum(outcomeKinds).optional(),
    detail: z.string().optional(),
    commandId: z.string().optional(),
  }),
  /** Milliseconds since the cell began, on a monotonic clock. */
  time: z.number(),
});

export type Operation = z.infer<typeof operation>;
export type Role = (typeof roles)[number];

/** A command with its answer; `answer` is absent where none came before the record ended. */
export interface Told {
  readonly id: number;
  readonly service: number;
  readonly role: Role;
  readonly key: string;
  readonly sentMs: number;
  readonly refusal: Call['refusal'];
  readonly answer?: {
    readonly type: 'ok' | 'fail' | 'info';
    readonly atMs: number;
    readonly outcome: (typeof outcomeKinds)[number];
    readonly detail: string;
    /** Empty where nobody told it. */
    readonly commandId: string;
  };
}

/** Joins invocations and answers, in the order of the invocations. */
export function toldIn(history: readonly Operation[]): Told[] {
  const answers = new Map(
    history.filter(({ type }) => type !== 'invoke').map(answer => [answer.id, answer]),
  );
  return history
    .filter(({ type }) => type === 'invoke')
    .map(({ id, service, role, key, time, value: { refusal } }) => {
      const told = { id, service, role, key, sentMs: time, refusal };
      const answer = answers.get(id);
      if (!answer || answer.type === 'invoke') return told;
      const { outcome = 'unknown', detail = '', commandId = '' } = answer.value;
      return {
        ...told,
        answer: { type: answer.type, atMs: answer.time, outcome, detail, commandId },
      };
    });
}

/** Lines for a file. */
export function historyText(history: readonly Operation[]): string {
  return history.map(one => `${JSON.stringify(one)}\n`).join('');
}

/** Reads what `historyText` wrote. Throws a `ZodError` for a line that is none. */
export function historyOf(text: string): Operation[] {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => operation.parse(JSON.parse(line)));
}

/** Appends to a file, and makes its folder. */
export async function writeHistory(path: string, history: readonly Operation[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await appendFile(path, historyText(history));
}
