import { expect, test } from 'vitest';
import { Around } from '../../../bench/faults/around.ts';
import type { NamedFault } from '../../../bench/faults/fault.ts';
import { loadFaults } from '../../../bench/faults/registry.ts';
import type { Lab } from '../../../bench/faults/stage.ts';

const [some] = (await loadFaults()).values();
if (!some) throw new Error('there is no fault');

test('surroundings are opened once, renewed before each injection and closed once', async () => {
  const told: string[] = [];
  const says = (what: string) => async (): Promise<void> => void told.push(what);
  const fault: NamedFault = {
    ...some,
    async surroundings() {
      told.push('opened');
      return { renew: says('renewed'), close: says('closed') };
    },
  };
  const around = new Around({} as Lab);
  await around.enter(fault);
  await around.enter(fault);
  await around.leave();
  await around.leave();
  expect(told).toEqual(['opened', 'renewed', 'renewed', 'closed']);
});
