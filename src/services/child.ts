import { setTimeout as delay } from 'node:timers/promises';
import type { Exit } from './protocol.ts';

const readyLookMs = 20;

/** A child that the keeper has started. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has ended, however that came. Does not keep this process alive. */
  readonly exited: Promise<Exit>;
  /** Goes through its stop stages, at last SIGKILL, and resolves when it has ended. Idempotent. */
  stop(): Promise<Exit>;
  /** Sends one signal, as faults need it (SIGSTOP, SIGKILL). Nothing happens when it has ended. */
  signal(name: NodeJS.Signals): Promise<void>;
}

export interface StartOptions {
  /** Called for each line that the child prints; under backlog lines are dropped, never queued. */
  readonly onLine?: (line: string) => void;
  /** Polled until true. Without it a child counts as ready as soon as it runs. */
  readonly ready?: (pid: number) => Promise<boolean>;
  /** Bound of readiness; default 30 s. */
  readonly readyMs?: number;
}

/** The child ended, or was not ready or done within its bound. Tells the last that it printed. */
export class StartFailed extends Error {
  readonly exit: Exit;
  constructor(name: string, why: string, exit: Exit) {
    super(`${name} ${why}${exit.tail === '' ? '' : `; the last it printed:\n${exit.tail}`}`);
    this.name = 'StartFailed';
    this.exit = exit;
  }
}

/** A process that ended. `code` is null where a signal ended it. */
export function endOf(exit: Exit): string {
  return exit.code === null ? `was ended by ${exit.signal}` : `ended with code ${exit.code}`;
}

/** Polls `ready`. Rejects with StartFailed when the child ended, or is not ready and ended then. */
export async function untilReady(
  child: Child,
  ready: (pid: number) => Promise<boolean>,
  withinMs: number,
): Promise<void> {
  let exit: Exit | undefined;
  child.exited.then(end => {
    exit = end;
  });
  const lastMs = performance.now() + withinMs;
  while (performance.now() < lastMs) {
    if (exit) throw new StartFailed(child.name, endOf(exit), exit);
    if (await ready(child.pid)) return;
    await delay(readyLookMs);
  }
  throw new StartFailed(child.name, `was not ready within ${withinMs} ms`, await child.stop());
}
