import { type FailureCode, failures, isFailure } from '../contract/index.ts';

/**
 * The state of one dependency. A code of the failure table: it answers and refuses what commands
 * need, and `/problems/<code>` says what that means.
 */
export type Check = 'ok' | 'unreachable' | 'stopping' | FailureCode;

export interface Health {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, Check>>;
  /** What is wrong with the strategies in service; does not make it unready. */
  readonly warnings: readonly string[];
}

/** A dependency that must do its work for the service to be ready. */
export interface Probe {
  readonly name: string;
  /** Resolves when it does; rejects with a `Failure` when it refuses; rejects or hangs when it is away. */
  readonly ask: () => Promise<unknown>;
}

const answerMs = 400;

/** Runs all probes in parallel, each for at most 400 ms. Never throws. */
export async function health(
  probes: readonly Probe[],
  { stopping, warnings }: { readonly stopping: boolean; readonly warnings: readonly string[] },
): Promise<Health> {
  const answers = await Promise.all(
    probes.map(
      async ({ name, ask }): Promise<readonly [string, Check]> => [name, await checkOf(ask)],
    ),
  );
  const checks = Object.fromEntries(
    stopping ? [...answers, ['process', 'stopping'] as const] : answers,
  );
  return { ready: Object.values(checks).every(check => check === 'ok'), checks, warnings };
}

function checkOf(ask: Probe['ask']): Promise<Check> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, answerMs, 'unreachable');
    const settle = (check: Check): void => {
      clearTimeout(timer);
      resolve(check);
    };
    ask().then(
      () => settle('ok'),
      error => settle(refusalOf(error)),
    );
  });
}

function refusalOf(error: unknown): Check {
  return isFailure(error) && failures[error.code].refusedBy ? error.code : 'unreachable';
}
