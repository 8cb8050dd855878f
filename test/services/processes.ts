/** What runs on this machine, and waiting for a condition. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

export interface Running {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

function fromProc(pid: string): Running[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z') return []; // ended; only its parent has not looked yet
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return [{ pid: Number(pid), parent: Number(parent), command }];
  } catch {
    return []; // it ended meanwhile
  }
}

/** All processes that have not ended. /proc where there is one, since `ps` may be missing. */
export function running(): Running[] {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .flatMap(fromProc);
  }
  const lines = execFileSync('/bin/ps', ['-axo', 'pid=,ppid=,stat=,command=']).toString();
  return lines.split('\n').flatMap(line => {
    const [, pid, parent, stat, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    if (stat === undefined || stat.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), command: command ?? '' }];
  });
}

/** These processes, and everything that they and their children have started. */
export function family(...roots: readonly number[]): Running[] {
  const all = running();
  const members = new Set(roots);
  for (let before = 0; before !== members.size; ) {
    before = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all.filter(({ pid }) => members.has(pid));
}

export function isRunning(pid: number): boolean {
  return running().some(process => process.pid === pid);
}

/** Polls until the condition holds. Throws, naming it and what was seen last, past the bound. */
export async function until<T>(
  what: string,
  condition: () => T | undefined | false,
  withinMs = 20_000,
): Promise<T> {
  const lastMs = performance.now() + withinMs;
  while (performance.now() < lastMs) {
    const value = condition();
    if (value !== undefined && value !== false) return value;
    await delay(20);
  }
  throw new Error(`not seen within ${withinMs} ms: ${what}`);
}
