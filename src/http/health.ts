/** The state of one dependency. */
export type Check = 'ok' | 'unreachable' | 'stopping';

export interface Health {
  readonly ready: boolean;
  readonly checks: Readonly<Record<string, Check>>;
  /** What is wrong with the strategies in service; does not make it unready. */
  readonly warnings: readonly string[];
}

/** A dependency that must respond for the service to be ready. */
export interface Probe {
  readonly name: string;
  /** Resolves when it responds; rejects or hangs when it does not. */
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
      async ({ name, ask }): Promise<readonly [string, Check]> => [
        name,
        (await answersInTime(ask)) ? 'ok' : 'unreachable',
      ],
    ),
  );
  const checks = Object.fromEntries(
    stopping ? [...answers, ['process', 'stopping'] as const] : answers,
  );
  return { ready: Object.values(checks).every(check => check === 'ok'), checks, warnings };
}

function answersInTime(ask: Probe['ask']): Promise<boolean> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, answerMs, false);
    const settle = (answered: boolean): void => {
      clearTimeout(timer);
      resolve(answered);
    };
    ask().then(
      () => settle(true),
      () => settle(false),
    );
  });
}
