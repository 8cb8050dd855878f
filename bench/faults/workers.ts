/** The processes of the service, by their numbers; one that was killed comes back under another pid. */
import { readFileSync } from 'node:fs';
import { familyOf } from '../../src/explore/run/process-state.ts';
import { workerVariables } from '../../src/http/processes/messages.ts';
import { waitMs } from '../lab/wait.ts';
import { tell } from './servers.ts';
import type { StruckProcess } from './stage.ts';

const backMaxMs = 30_000;
const lookMs = 25;
const answerMs = 1_000;

export interface WorkerOptions {
  readonly index: number;
  readonly pid: number;
  readonly url: string;
  /** The process that replaces those that die. */
  readonly primaryPid: number;
  readonly signal: AbortSignal;
}

/** A process of the service, found again by the port that is its own. */
export function struckProcess({
  index,
  pid,
  url,
  primaryPid,
  signal,
}: WorkerOptions): StruckProcess {
  let now = pid;
  return {
    index,
    get pid() {
      return now;
    },
    signal: which => tell(now, which),
    async back() {
      const lastMs = performance.now() + backMaxMs;
      for (;;) {
        if (await isAlive(url)) break;
        if (performance.now() > lastMs) throw new Error(`process ${index} did not come back`);
        await waitMs(lookMs, signal);
      }
      now = successorOf(primaryPid, new URL(url).port) ?? now;
    },
    async turned() {
      // the first may have been read in the turn in which the others came
      for (let turn = 0; turn < 2; turn += 1) await isAlive(url);
    },
  };
}

async function isAlive(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/livez`, { signal: AbortSignal.timeout(answerMs) })).ok;
  } catch {
    return false;
  }
}

/** A replacement is told its port in the environment; the first process chose one itself. */
function successorOf(primaryPid: number, port: string): number | undefined {
  const told = `${workerVariables.ownPort}=${port}`;
  return familyOf(primaryPid).find(pid => environmentOf(pid).includes(told));
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return []; // it has ended
  }
}
