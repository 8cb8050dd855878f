/** A drill's hold on the rollout: through whichever process answers. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Replicas } from './replicas.ts';

const answered = z.looseObject({
  ...{ from: z.string(), to: z.string() },
  stage: z.string(),
  weight: z.number(),
  blocked: z.unknown().optional(),
});

export type Shown = z.infer<typeof answered>;

const by = { who: 'drill', why: 'to see it hold' };
const path = '/admin/rollouts/gift-card';
/** What befalls the service makes it slower; here only a violation is to send it back. */
const lenient = { slower: 1_000, busy: 1, failed: 1, unknown: 1 };
const answerMs = 3_000;
/** The keys go to and fro between these; every process is started with the first. */
const strategies = ['row-lock', 'redis-lease-fenced'] as const;
/** A Postgres that recovers, and a machine that is busy. */
export const settledMs = 60_000;
const stepMs = 50;

export class Admin {
  readonly #replicas: Replicas;
  readonly #signal: AbortSignal;

  constructor(replicas: Replicas, signal: AbortSignal) {
    this.#replicas = replicas;
    this.#signal = signal;
  }

  /**
   * Begins at `weight`, from the strategy that has the keys to the other one, and waits there for a person.
   * Returns the name of the other.
   */
  async start(weight: number): Promise<string> {
    const from = await this.#decides();
    const to = strategies.find(name => name !== from) ?? from;
    const steps = [{ setWeight: weight }, { pause: {} }, { setWeight: 100 }];
    await this.#ask('PUT', path, { ...by, from, to, steps, gate: lenient });
    await this.until('paused', settledMs);
    return to;
  }

  /** The strategy that has the keys, when no rollout runs. */
  async #decides(): Promise<string> {
    const last = await this.show().catch(() => undefined); // there has been none
    return last ? (last.stage === 'healthy' ? last.to : last.from) : strategies[0];
  }

  async act(action: 'promote' | 'abort'): Promise<void> {
    await this.#ask('POST', `${path}/${action}`, by);
  }

  show(): Promise<Shown> {
    return this.#ask('GET', path);
  }

  /** Waits until it is there. Returns how long that took. */
  async until(stage: string, withinMs: number): Promise<number> {
    const fromMs = performance.now();
    let last: Shown | undefined;
    while (performance.now() - fromMs < withinMs) {
      last = await this.show().catch(() => last);
      if (last?.stage === stage) return performance.now() - fromMs;
      await delay(stepMs, undefined, { signal: this.#signal });
    }
    throw new Error(
      `the rollout is not ${stage} after ${withinMs / 1_000} s: ${JSON.stringify(last ?? null)}`,
    );
  }

  /** The first process that answers decides; one that says no is believed. */
  async #ask(method: string, where: string, body?: object): Promise<Shown> {
    const { urls, adminToken } = this.#replicas;
    let away: unknown;
    for (const url of urls) {
      const response = await fetch(url + where, {
        method,
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(body && { 'content-type': 'application/json' }),
        },
        signal: AbortSignal.any([this.#signal, AbortSignal.timeout(answerMs)]),
        ...(body && { body: JSON.stringify(body) }),
      }).catch((error: unknown) => {
        away = error;
      });
      this.#signal.throwIfAborted();
      if (!response || response.status >= 500) continue; // it is down, or its store is
      const told: unknown = await response.json();
      if (response.ok) return answered.parse(told);
      throw new Error(`${method} ${where} was refused: ${JSON.stringify(told)}`);
    }
    throw new Error(`no process answers ${method} ${where}`, { cause: away });
  }
}
