import { setTimeout as delay } from 'node:timers/promises';
import type { Exit } from './protocol.ts';

const readyLookMs = 20;

/** A child started by the keeper. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it has exited, for whatever reason. Does not keep this process alive. */
  readonly exited: Promise<Exit>;
  /** Goes through the stop stages, finally SIGKILL, and resolves when it has exited. Idempotent. */
  stop(): Promise<Exit>;
  /** Sends one signal, for fault injection (SIGSTOP, SIGKILL). No effect after the exit. */
  signal(name: NodeJS.Signals): Promise<void>;
}

export interface StartOptions {
  /** Called for each line of output; under backlog lines are dropped, not queued. */
  readonly onLine?: (line: string) => void;
  /** Polled until true. Default: a child is ready as soon as it runs. */
  readonly ready?: (pid: number) => Promise<boolean>;
  /** Timeout for readiness; default 30 s. */
  readonly readyMs?: number;
}

/** The child exited, or was not ready or finished in time. The message includes its last output. */
export class StartFailed extends Error {
  readonly exit: Exit;
  constructor(name: string, why: string, exit: Exit) {
    super(`${name} ${why}${exit.tail === '' ? '' : `; its last output:\n${exit.tail}`}`);
    this.name = 'StartFailed';
    this.exit = exit;
  }
}

/** Describes how a process ended. */
export function endOf(exit: Exit): string {
  return exit.code === null ? `was killed by ${exit.signal}` : `exited with code ${exit.code}`;
}

/** Polls `ready`. On exit or timeout stops the child and rejects with StartFailed. */
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
