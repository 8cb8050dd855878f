import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChildSpec, type Keeper, openKeeper, StartFailed } from '../../src/services/index.ts';
import { family, isRunning, until } from './processes.ts';

let keeper: Keeper;
const reported: string[] = [];
const scratch = mkdtempSync(join(tmpdir(), 'keeper-test-'));

beforeAll(async () => {
  keeper = await openKeeper(line => reported.push(line));
});

afterAll(async () => {
  await keeper.close();
  rmSync(scratch, { recursive: true });
});

/** A Node program as a child; nothing of this process's environment reaches it. */
function program(source: string, rest: Partial<ChildSpec> = {}): ChildSpec {
  const args = ['-e', source];
  return { name: 'program', role: 'client', command: process.execPath, args, env: {}, ...rest };
}

const untilAsked = 'setInterval(() => {}, 60_000);';
const deaf = `process.on('SIGTERM', () => {}); console.log('deaf'); ${untilAsked}`;

/** Starts a program that prints one line when it is set up. */
async function startUntilLine(spec: ChildSpec) {
  const lines: string[] = [];
  const child = await keeper.start(spec, {
    onLine: line => lines.push(line),
    ready: async () => lines.length > 0,
  });
  return { child, lines };
}

describe('a child of the keeper', () => {
  test('ends with its code and the last that it printed', async () => {
    const { exited } = await keeper.start(program("console.log('out'); process.exitCode = 7"));
    expect(await exited).toEqual({ code: 7, signal: null, tail: 'out' });
  });

  test('ends with its signal', async () => {
    const child = await keeper.start(program(untilAsked));
    await child.signal('SIGKILL');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL', tail: '' });
  });

  test('has the given environment and no other', async () => {
    process.env.LOCKSTEP_TEST_SECRET = 'must not be inherited';
    const source = 'console.log(JSON.stringify(process.env))';
    const { tail } = await keeper.run(program(source, { env: { PORT: '4000' } }), 10_000);
    delete process.env.LOCKSTEP_TEST_SECRET;
    expect(JSON.parse(tail)).toEqual({ PORT: '4000' });
  });

  test('reads what it is given as input', async () => {
    const source = "console.log(require('fs').readFileSync(0, 'utf8').toUpperCase())";
    expect((await keeper.run(program(source, { stdin: 'word' }), 10_000)).tail).toBe('WORD');
  });

  test('keeps only the last of much output', async () => {
    const source = "for (let n = 0; n < 100_000; n += 1) console.log('line', n)";
    const { tail } = await keeper.run(program(source, { tailBytes: 1_000 }), 20_000);
    expect(tail.endsWith('line 99999')).toBe(true);
    expect(tail.length).toBeLessThan(70_000); // one chunk of the pipe
  });

  test('tells its lines as they come, also one without an end', async () => {
    const source = "process.stdout.write('first\\nsecond\\nü'); ";
    const lines: string[] = [];
    await (await keeper.start(program(source), { onLine: line => lines.push(line) })).exited;
    expect(lines).toEqual(['first', 'second', 'ü']);
  });

  test('has all that it prints in its log file', async () => {
    const logFile = join(scratch, 'log');
    await keeper.run(program("console.log('out'); console.error('error')", { logFile }), 10_000);
    expect(readFileSync(logFile, 'utf8').split('\n').sort()).toEqual(['', 'error', 'out']);
  });

  test('is not ended by a log file that cannot be written', async () => {
    const spec = program("console.log('out')", { logFile: join(scratch, 'missing', 'log') });
    expect(await keeper.run(spec, 10_000)).toEqual({ code: 0, signal: null, tail: 'out' });
  });
});

describe('the keeper ends', () => {
  test('a child that ignores SIGTERM', async () => {
    const stop = [{ signal: 'SIGTERM', waitMs: 100 }] as const;
    const { child } = await startUntilLine(program(deaf, { stop }));
    expect(await child.stop()).toMatchObject({ signal: 'SIGKILL' });
    expect(isRunning(child.pid)).toBe(false);
  });

  test('a child that is frozen, by its own way out', async () => {
    const source = `process.on('SIGTERM', () => process.exit(9)); console.log(1); ${untilAsked}`;
    const { child } = await startUntilLine(program(source));
    await child.signal('SIGSTOP');
    expect(await child.stop()).toMatchObject({ code: 9 });
  });

  test('what its child has started', async () => {
    const source = `const child = require('child_process').spawn(process.execPath,
      ['-e', 'setInterval(() => {}, 60_000)'], { stdio: 'ignore' });
      console.log(child.pid); process.on('SIGTERM', () => process.exit(0));`;
    const { child, lines } = await startUntilLine(program(source));
    const grandchild = Number(lines[0]);
    expect(family(child.pid).map(({ pid }) => pid)).toContain(grandchild);
    await child.stop();
    await until('the end of the grandchild', () => !isRunning(grandchild));
  });

  test('a child twice without harm', async () => {
    const child = await keeper.start(program(untilAsked));
    const [first, second] = await Promise.all([child.stop(), child.stop()]);
    expect(first).toEqual(second);
    expect(await child.stop()).toEqual(first);
  });

  test('a command that is not done in time', async () => {
    const run = keeper.run(program(untilAsked), 300);
    await expect(run).rejects.toThrow('program did not finish within 300 ms');
  });
});

describe('a start fails, and says why, when the child', () => {
  test('cannot be executed', async () => {
    const start = keeper.start(program('', { command: '/nowhere/server' }));
    await expect(start).rejects.toThrow(/program could not be started: .*ENOENT/);
  });

  test('ends before it is ready', async () => {
    const spec = program("console.error('no such setting'); process.exitCode = 3");
    const start = keeper.start(spec, { ready: async () => false });
    await expect(start).rejects.toThrow(/program exited with code 3.*\nno such setting/);
    await expect(start).rejects.toBeInstanceOf(StartFailed);
  });

  test('is not ready in time, and is ended then', async () => {
    let pid = 0;
    const ready = async (child: number) => {
      pid = child;
      return false;
    };
    const start = keeper.start(program(untilAsked), { ready, readyMs: 300 });
    await expect(start).rejects.toThrow('program was not ready within 300 ms');
    expect(isRunning(pid)).toBe(false);
  });
});

describe('a server that ends', () => {
  const server = (source: string) => program(source, { name: 'server', role: 'server' });

  test('that nobody asked for is reported, with the last output', async () => {
    const { child } = await startUntilLine(server(`console.log('serving'); ${untilAsked}`));
    process.kill(child.pid, 'SIGKILL');
    await child.exited;
    expect(reported.splice(0)).toEqual([
      'server was killed by SIGKILL unexpectedly; its last output:\nserving',
    ]);
  });

  test('when it is stopped is no news', async () => {
    const { child } = await startUntilLine(server(`console.log('serving'); ${untilAsked}`));
    await child.stop();
    expect(reported).toEqual([]);
  });
});

test('a keeper that is closed ends clients before servers, and starts nothing more', async () => {
  const other = await openKeeper(line => reported.push(line));
  const order = join(scratch, 'order');
  const goodbye = (word: string) => `const fs = require('fs');
    process.on('SIGTERM', () => setTimeout(() => {
      fs.appendFileSync('${order}', '${word} ');
      process.exit(0);
    }, ${word === 'client' ? 200 : 0}));
    console.log('set up'); ${untilAsked}`;
  for (const role of ['server', 'client'] as const) {
    let lines = 0;
    const onLine = () => {
      lines += 1;
    };
    await other.start(program(goodbye(role), { role }), { onLine, ready: async () => lines > 0 });
  }
  await Promise.all([other.close(), other.close()]);
  expect(readFileSync(order, 'utf8')).toBe('client server ');
  expect(isRunning(other.pid)).toBe(false);
  await expect(other.start(program(untilAsked))).rejects.toThrow('keeper');
  expect(reported).toEqual([]);
});
