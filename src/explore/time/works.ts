import { readdirSync, readFileSync } from 'node:fs';
import { isAtWork } from '../run/process-state.ts';
import { realNow } from './real-time.ts';

/** How long, in real time, work seen once is assumed to continue: a thread rests between two locks. */
const restsMs = 20;
/** A process rests longer between start-up and work, above all on a busy machine. */
const childRestsMs = 400;
/** Node's own threads, which collect garbage or log at any time. */
const ownThreads = /^(V8|v8|SignalInspector|node-inspector)/;

/** Everything that computes for one actor besides its own thread. */
export class ActorWorks {
  /** Requests to the thread pool, by their async id. */
  readonly #requests = new Set<number>();
  /** Work of addons: some of it lives as long as the process and is no work at all. */
  readonly #addons = new Set<number>();
  /** Handles of processes that it has started, until they have ended. */
  readonly #children = new Map<number, object>();
  readonly #activity: () => void;
  #addonSeenMs = Number.NEGATIVE_INFINITY;
  #childSeenMs = Number.NEGATIVE_INFINITY;

  constructor(activity: () => void) {
    this.#activity = activity;
  }

  begin(id: number): void {
    this.#requests.add(id);
  }

  beginAddon(id: number): void {
    this.#addons.add(id);
  }

  end(id: number): void {
    this.#requests.delete(id);
    this.#addons.delete(id);
    this.#children.delete(id);
    this.#activity();
  }

  addChild(id: number, handle: object): void {
    this.#children.set(id, handle);
  }

  forget(): void {
    for (const all of [this.#requests, this.#addons, this.#children]) all.clear();
  }

  /** Something computes now, or did a moment ago. */
  get going(): boolean {
    if (this.#requests.size > 0) return true;
    const nowMs = realNow();
    if (this.#addons.size > 0 && someThreadWorks()) this.#addonSeenMs = nowMs;
    if (this.#childWorks()) this.#childSeenMs = nowMs;
    const childRests = this.#children.size > 0 && nowMs - this.#childSeenMs < childRestsMs;
    return childRests || nowMs - this.#addonSeenMs < restsMs;
  }

  #childWorks(): boolean {
    for (const handle of this.#children.values()) {
      const pid: unknown = Reflect.get(handle, 'pid');
      if (typeof pid !== 'number') continue;
      if (isAtWork(pid)) return true;
    }
    return false;
  }
}

/** Whether a thread of this process runs, other than the main one; false where there is no /proc. */
function someThreadWorks(): boolean {
  const folder = '/proc/self/task';
  return namesIn(folder).some(thread => {
    if (Number(thread) === process.pid) return false;
    const stat = textOf(`${folder}/${thread}/stat`);
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return !ownThreads.test(name) && /^[RD]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}
