// The less usual ends; the usual ones are in test/services/owner-ends.test.ts.
import { afterEach, describe, expect, test } from 'vitest';
import { type Owner, startOwner, untilNothingIsLeft, type World } from '../services/owner.ts';
import { family, isRunning, until } from '../services/processes.ts';

const owners: Owner[] = [];

function start(args: readonly string[], world?: World): Owner {
  const owner = startOwner(args, world);
  owners.push(owner);
  return owner;
}

afterEach(() => {
  for (const owner of owners.splice(0)) owner.clean();
});

describe('nothing is left when the owner of the servers', () => {
  test.each([
    ['closes them', 'close', undefined, { code: 0, signal: null }],
    ['exits without closing them', 'exit', undefined, { code: 5, signal: null }],
    ['throws', 'throw', undefined, { code: 1, signal: null }],
    ['is interrupted', 'wait', 'SIGINT', { code: null, signal: 'SIGINT' }],
    ['is terminated', 'wait', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
  ] as const)('%s', async (_what, end, signal, ended) => {
    const owner = start([end, '1']);
    const { pids } = await owner.opened;
    expect(pids).toHaveLength(4); // keeper, Postgres, Redis, a node
    if (signal) {
      expect(pids.every(isRunning)).toBe(true);
      expect(owner.leftFolders()).toHaveLength(3);
      owner.process.kill(signal);
    }
    expect(await owner.exited).toEqual(ended);
    await untilNothingIsLeft(owner);
    expect(pids.filter(isRunning)).toEqual([]);
  });

  test.each([
    ['has only just started the keeper', 'keeper-process'],
    ['starts Redis', 'redis-server'],
  ])('is killed while it %s', async (_what, command) => {
    const owner = start(['wait', '1']);
    await until(`a process ${command}`, () =>
      family(owner.pid).some(process => process.command.includes(command)),
    );
    owner.process.kill('SIGKILL');
    await untilNothingIsLeft(owner);
    expect(owner.seen().size).toBeGreaterThan(1);
  });
});
