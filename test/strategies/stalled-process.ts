/** A process of its own that takes turns as it is told, so that a test can stop all of it. */
import { isFailure, type Strategy, type Tuning } from '../../src/contract/index.ts';
import { Gate } from '../fixtures/gate.ts';
import { type Actor, actor } from './redis-actor.ts';

/** What the process is told to do. */
export type Order =
  | {
      readonly order: 'open';
      readonly strategy: string;
      readonly urls: readonly string[];
      readonly tuning: Partial<Tuning>;
    }
  | { readonly order: 'turn'; readonly key: string }
  | { readonly order: 'end' | 'close' };

/** What it says of it. */
export type Told =
  | { readonly told: 'ready' | 'opened' | 'inside' | 'closed' }
  | { readonly told: 'ended'; readonly lost: boolean; readonly ends: readonly string[] }
  | { readonly told: 'refused'; readonly code: string };

let one: Actor | undefined;
let gate = new Gate();

const tell = (told: Told): void => void process.send?.(told);

async function turn(key: string): Promise<void> {
  if (!one) throw new Error('nothing was opened');
  gate = new Gate();
  try {
    const lost = await one.turn(key, async held => {
      tell({ told: 'inside' });
      await gate.pass();
      return held.isLost?.() ?? false;
    });
    tell({ told: 'ended', lost, ends: one.ends });
  } catch (error) {
    tell({ told: 'refused', code: isFailure(error) ? error.code : String(error) });
  }
}

async function follow(order: Order): Promise<void> {
  switch (order.order) {
    case 'open': {
      const file = `../../strategies/${order.strategy}.ts`;
      const { default: strategy }: { default: Strategy } = await import(file);
      const servers = order.urls.map(url => ({ url }));
      one = await actor(strategy, servers, order.tuning);
      return tell({ told: 'opened' });
    }
    case 'turn':
      return turn(order.key);
    case 'end':
      return gate.open();
    case 'close':
      await one?.close();
      return tell({ told: 'closed' });
  }
}

process.on('message', (order: Order) => void follow(order));
process.on('disconnect', () => process.exit(0));
tell({ told: 'ready' });
