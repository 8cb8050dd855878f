import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import { isAtWork } from '../../src/explore/run/process-state.ts';
import { until } from '../fixtures/gate.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) if (child.pid) process.kill(-child.pid, 'SIGKILL');
});

function start(file: string, ...args: readonly string[]): number {
  const child = spawn(file, [...args], { detached: true, stdio: 'ignore' });
  started.push(child);
  return child.pid ?? 0;
}

describe.skipIf(!existsSync('/proc/self/stat'))('a silent program', () => {
  test('that computes is at work', async () => {
    const pid = start(process.execPath, '-e', 'for (;;);');
    await until('it is at work', async () => isAtWork(pid));
  });

  test('that waits is not', async () => {
    const pid = start('sleep', '30');
    await until('it sleeps', async () => !isAtWork(pid));
  });

  test('is at work while one that it has started is', async () => {
    const pid = start('sh', '-c', `sleep 30 & "${process.execPath}" -e 'for (;;);'; wait`);
    await until('its child is at work', async () => isAtWork(pid));
  });

  test('that is gone is not', () => {
    expect(isAtWork(2 ** 22 + 1)).toBe(false);
  });
});
