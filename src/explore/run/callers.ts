import { ActorRealm } from '../time/actor-realm.ts';
import { InProcessActor, type RunningActor } from './actor.ts';
import { type Arena, realNow } from './arena.ts';
import { ChildActor, ServiceActor } from './child-actor.ts';
import { freePorts } from './free-ports.ts';
import type { Actor, Subject } from './subject.ts';
import { bystander, WarmServices } from './warm-services.ts';

/** In so many orders programs are watched closely. */
const closelyOrders = 3;

/** Makes the callers of each order. */
export class Callers {
  readonly warm: WarmServices;
  readonly #arena: Arena;
  readonly #actors: readonly (readonly [string, Actor])[];
  /** When the actors of this order began: a lease has its length by their clocks, too. */
  #startMs = Date.now();
  #servicePorts: readonly number[] = [];
  #closely = closelyOrders;

  constructor(arena: Arena, { actors }: Pick<Subject, 'actors'>) {
    this.#arena = arena;
    this.#actors = Object.entries(actors);
    this.warm = new WarmServices(arena, Object.values(actors));
  }

  /** To be called before an order begins. */
  async renew(): Promise<void> {
    const cold = this.#actors.some(
      ([, act]) => typeof act !== 'function' && 'service' in act && act.warm !== true,
    );
    if (cold) this.#servicePorts = await freePorts(this.#actors.length);
  }

  /** An order is over. */
  ran(): void {
    this.#closely--;
  }

  /** All of them, at their first instruction. */
  start(ended: () => void): RunningActor[] {
    this.#startMs = Date.now();
    return this.#actors.map(([name, act], index) => this.one(name, act, index, ended));
  }

  /** Runs a warm service for one request of its own, and nobody else. */
  alone(wanted: number, ended: () => void): RunningActor[] {
    return this.#actors.map(([name, act], index) =>
      index === wanted ? this.one(name, act, index, ended) : bystander(name),
    );
  }

  one(name: string, act: Actor, index: number, ended: () => void): RunningActor {
    const port = this.#arena.ports[index];
    if (port === undefined) throw new Error(`no gates for ${name}`);
    port.movedAtMs = realNow();
    const tie = { movedAtMs: () => port.movedAtMs, ended, closely: this.#closely > 0 };
    if (typeof act !== 'function') {
      if ('command' in act) return new ChildActor(name, act, port.urls, tie);
      const servicePort = this.#servicePorts[index] ?? 0;
      const warm = act.warm === true ? this.warm.call(name, index, tie) : undefined;
      return warm ?? new ServiceActor(name, act, port.urls, servicePort, tie);
    }
    const realm = new ActorRealm(this.#startMs, index + 1, () => this.#arena.activity.moved());
    realm.reach.behind(this.#arena.gatePorts.flat());
    return new InProcessActor(name, act, port.urls, realm, ended);
  }
}
