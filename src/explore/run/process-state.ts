import { readFileSync } from 'node:fs';

/** Runs or waits for a core, waits for a disk, or has ended and is not yet reaped. */
const atWork = ['R', 'D', 'Z', 'X'];
const processesMax = 32;

/**
 * Whether a process or one that it started is at work, as the kernel sees it: a program that waits for
 * a core is as silent as one that sleeps. False where there is no /proc.
 */
export function isAtWork(pid: number): boolean {
  return familyOf(pid).some(one => {
    const stat = textOf(`/proc/${one}/stat`);
    // the name in parentheses may hold anything
    return atWork.includes(stat.slice(stat.lastIndexOf(')') + 2)[0] ?? '');
  });
}

/** A process and its descendants; it alone where there is no /proc. */
export function familyOf(pid: number): readonly number[] {
  const pids = [pid];
  for (let at = 0; at < Math.min(pids.length, processesMax); at += 1) {
    const one = pids[at] ?? pid;
    const children = textOf(`/proc/${one}/task/${one}/children`).split(' ');
    pids.push(...children.filter(word => word !== '').map(Number));
  }
  return pids;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
