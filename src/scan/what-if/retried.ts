import type { ActorFunction } from '../../explore/explore.ts';
import type { Actor } from '../../explore/run/stage.ts';

/** A caller that gave up after so many tries would be stuck in real life, too. */
const triesMax = 5;
const asksForRetry = /\b(40001|40P01)\b/;

/**
 * The caller repeats its whole request after an error that asks for it: from outside, since nobody
 * can repeat what the application has read already. A program runs once, whatever it ends with.
 */
export function retried(act: Actor): Actor {
  if (typeof act === 'function') return repeated(act);
  return 'service' in act ? { ...act, tries: triesMax } : act;
}

function repeated(act: ActorFunction): ActorFunction {
  return async urls => {
    for (let tries = 1; ; tries++) {
      try {
        const told = await act(urls);
        if (tries >= triesMax || typeof told !== 'string' || !asksForRetry.test(told)) return told;
      } catch (error) {
        if (tries >= triesMax || !asksForRetry.test(textOf(error))) throw error;
      }
    }
  };
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? `${String(error.code)} ${error.message}` : error.message;
}
