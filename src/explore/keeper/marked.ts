import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { markVariable } from './owned.ts';

const roundsMax = 20;
const roundMs = 20;

/** Ends the processes of a group at once; false where there is none. */
export function killGroup(id: number): boolean {
  try {
    process.kill(-id, 'SIGKILL');
    return true;
  } catch {
    return false; // it has ended in the meantime
  }
}

/**
 * Ends every process whose environment holds the mark, in a session of its own or not, until none is
 * left: one that starts others faster than it is seen is given up after 20 rounds. Where there is no
 * /proc nobody knows which they are.
 */
export async function killMarked(mark: string): Promise<void> {
  for (let round = 0; round < roundsMax; round++) {
    const found = marked(mark);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
    await delay(roundMs);
  }
}

function marked(mark: string): number[] {
  const wanted = `${markVariable}=${mark}\0`;
  return processes().filter(
    pid => pid !== process.pid && textOf(`/proc/${pid}/environ`).includes(wanted),
  );
}

function processes(): number[] {
  try {
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return `${readFileSync(path, 'latin1')}\0`;
  } catch {
    return ''; // it has ended, or is somebody else's
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended in the meantime
  }
}
