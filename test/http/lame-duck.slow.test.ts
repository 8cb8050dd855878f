import { afterAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { ask, post } from './requests.ts';
import { RunningService, startMaxMs } from './running-service.ts';

const services: RunningService[] = [];
afterAll(() => Promise.all(services.map(service => service.stop())));

const database = await freshDatabase();

async function start(LAME_DUCK_MS: string): Promise<{ service: RunningService; url: string }> {
  const service = new RunningService({ DATABASE_URL: database.url, PROCESSES: '2', LAME_DUCK_MS });
  services.push(service);
  return { service, url: (await service.ready()).url };
}

const lookEveryMs = 500;

/** Clients with a new connection for each request, and a balancer that looks at /readyz now and then. */
class Balanced {
  answered = 0;
  lost = 0;
  /** From now on the balancer looks. */
  looking = false;
  /** Why the balancer took it out. */
  outSeen: unknown;
  #inService = true;
  readonly #url: string;
  readonly #ended: Promise<unknown>;

  constructor(url: string) {
    this.#url = url;
    this.#ended = Promise.all([this.#look(), ...Array.from({ length: 2 }, () => this.#client())]);
  }

  /** Resolves when the balancer has taken the target out. */
  async ended(): Promise<void> {
    await this.#ended;
  }

  async #look(): Promise<void> {
    while (this.#inService) {
      await new Promise(resolve => setTimeout(resolve, lookEveryMs));
      if (!this.looking) continue;
      const reply = await ask(`${this.#url}/readyz`).catch((error: Error) => error);
      if (reply instanceof Error || reply.status !== 200) {
        this.#inService = false;
        this.outSeen = reply instanceof Error ? reply.message : reply.body.checks;
      }
    }
  }

  async #client(): Promise<void> {
    while (this.#inService)
      try {
        const { status } = await post(`${this.#url}/gift-cards`, { initialCents: 100 });
        if (status === 201) this.answered += 1;
        else this.lost += 1;
      } catch {
        this.lost += 1;
        await new Promise(resolve => setTimeout(resolve, 5));
      }
  }
}

describe('a stop of a service behind a balancer', { timeout: 2 * startMaxMs }, () => {
  it('lost-at-sigterm: loses no request while it is a lame duck, and loses some without', async () => {
    for (const [lameDuckMs, isLossless] of [
      ['4000', true],
      ['0', false],
    ] as const) {
      const { service, url } = await start(lameDuckMs);
      const load = new Balanced(url);
      await until('the load runs', () => load.answered > 20);
      const before = load.answered;
      service.signal('SIGTERM');
      load.looking = true;
      await load.ended();
      expect(await service.ended()).toBe(0);
      if (isLossless) {
        expect(load.lost).toBe(0);
        expect(load.answered).toBeGreaterThan(before);
        expect(load.outSeen).toMatchObject({ process: 'stopping' });
      } else expect(load.lost).toBeGreaterThan(0);
    }
  });

  it('is no lame duck for a SIGINT, and ends at once with a second signal', async () => {
    const interrupted = await start('60000');
    interrupted.service.signal('SIGINT');
    expect(await interrupted.service.ended()).toBe(0);
    const { service, url } = await start('60000');
    service.signal('SIGTERM');
    await until('it is not ready', async () => (await ask(`${url}/readyz`)).status === 503);
    expect((await ask(`${url}/livez`)).status).toBe(200);
    service.signal('SIGTERM');
    expect(await service.ended()).toBe(143);
  });
});
