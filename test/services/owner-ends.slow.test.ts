import { afterEach, describe, expect, test } from 'vitest';
import { type Owner, startOwner, untilNothingIsLeft, type World } from './owner.ts';
import { family, isRunning, until } from './processes.ts';

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
    ['returns without closing them', 'return', undefined, { code: 0, signal: null }],
    ['exits without closing them', 'exit', undefined, { code: 5, signal: null }],
    ['throws', 'throw', undefined, { code: 1, signal: null }],
    ['is interrupted', 'wait', 'SIGINT', { code: null, signal: 'SIGINT' }],
    ['is terminated', 'wait', 'SIGTERM', { code: null, signal: 'SIGTERM' }],
    ['is killed', 'wait', 'SIGKILL', { code: null, signal: 'SIGKILL' }],
    ['is interrupted and closes them', 'close on SIGINT', 'SIGINT', { code: 130, signal: null }],
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
    ['makes the cluster', 'initdb'],
    ['starts Redis', 'redis-server'],
    ['starts Postgres', 'bin/postgres -D'],
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

test('the keeper does not hold the output of an owner that was killed', async () => {
  const owner = start(['wait']);
  const { pids } = await owner.opened;
  const [keeper = 0] = pids;
  process.kill(keeper, 'SIGSTOP'); // it cannot clean up now, and still nobody waits for it
  owner.process.kill('SIGKILL');
  await owner.exited; // resolves when the pipes are closed
  expect(isRunning(keeper)).toBe(true);
  process.kill(keeper, 'SIGCONT');
  await untilNothingIsLeft(owner);
});

describe('the servers end with their keeper when it', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('gets %s', async signal => {
    const owner = start(['wait', '1']);
    const [keeper = 0, ...servers] = (await owner.opened).pids;
    process.kill(keeper, signal);
    await until('the end of the servers', () => !servers.some(isRunning));
    await until('the removal of every folder', () => owner.leftFolders().length === 0);
    await until('the report', () => owner.errors().includes('keeper of the child processes'));
    expect(isRunning(owner.pid)).toBe(true);
    owner.process.kill('SIGKILL');
    await untilNothingIsLeft(owner);
  });
});
