import { describe, expect, test, vi } from 'vitest';
import { type Held, Losses, watchful } from '../../src/contract/index.ts';

/** A turn that says of itself whether it is lost, and counts how often its signal is made. */
function turn() {
  const controller = new AbortController();
  const made = vi.fn(() => watchful(controller.signal, () => look()));
  let over = false;
  const look = (): void => {
    if (over) controller.abort(new Error('over'));
  };
  const held: Held = {
    get lost() {
      return made();
    },
    isLost: () => over,
  };
  return {
    held,
    made,
    /** The time of the turn has passed, and no timer has run yet. */
    passes: () => {
      over = true;
    },
  };
}

describe('what several turns tell together', () => {
  test('it is lost with the first of them, whichever that is', () => {
    for (const lost of [0, 1, 2]) {
      const turns = [turn(), turn(), turn()];
      const losses = new Losses(turns.map(one => one.held));
      expect(losses.isLost()).toBe(false);
      turns[lost]?.passes();
      expect(losses.isLost()).toBe(true);
    }
  });

  test('to ask makes no signal', () => {
    const { held, made, passes } = turn();
    const losses = new Losses([held]);
    losses.isLost();
    passes();
    losses.isLost();
    expect(made).not.toHaveBeenCalled();
  });

  test('a turn that has a signal alone is asked by it', () => {
    const controller = new AbortController();
    const losses = new Losses([{}, { lost: controller.signal }]);
    expect(losses.isLost()).toBe(false);
    controller.abort();
    expect(losses.isLost()).toBe(true);
  });

  test('nothing that can be lost is never lost', () => {
    for (const held of [[], [{}], [{ token: 1n }, {}]]) {
      const losses = new Losses(held);
      expect(losses.isLost()).toBe(false);
      expect(losses.lost.aborted).toBe(false);
    }
  });

  test('its signal is aborted with any of theirs, and is one signal', () => {
    const controllers = [new AbortController(), new AbortController()];
    const losses = new Losses(controllers.map(({ signal }) => ({ lost: signal })));
    const heard = vi.fn();
    losses.lost.addEventListener('abort', heard);
    expect(losses.lost).toBe(losses.lost);
    controllers[1]?.abort(new Error('gone'));
    expect(heard).toHaveBeenCalledOnce();
    expect(losses.lost.reason).toEqual(new Error('gone'));
  });

  test('its signal looks at their clocks before their timers have run', () => {
    const turns = [turn(), turn()];
    const { lost } = new Losses(turns.map(one => one.held));
    expect(lost.aborted).toBe(false);
    turns[1]?.passes();
    expect(lost.aborted).toBe(true);
  });
});
