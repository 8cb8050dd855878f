/** Starts `owner-process.ts` in a world of its own, in which everything it leaves can be seen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { family, until } from './processes.ts';

export interface Owner {
  readonly process: ChildProcess;
  readonly pid: number;
  /** Its tmp folder: all that it leaves lies there. */
  readonly folder: string;
  /** Resolves with what the program printed once its services are open. */
  readonly opened: Promise<{ readonly pids: number[]; readonly urls: string[] }>;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  readonly errors: () => string;
  /** Every process that was seen below it, from its start to now. */
  readonly seen: () => ReadonlySet<number>;
  /** What it left behind: folders in its tmp folder. */
  readonly leftFolders: () => string[];
  /** Ends what is still there after a failed test. */
  clean(): void;
}

export interface World {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly program?: string;
  readonly account?: { readonly uid: number; readonly gid: number };
}

const root = fileURLToPath(new URL('../..', import.meta.url));

function watchFamily(pid: number): { readonly seen: Set<number>; readonly stop: () => void } {
  const seen = new Set<number>();
  const look = () => {
    // Once below the owner, always watched: a keeper outlives the owner and has no parent then.
    for (const found of family(pid, ...seen)) seen.add(found.pid);
  };
  const timer = setInterval(look, 50);
  return { seen, stop: () => clearInterval(timer) };
}

function openedBy(child: ChildProcess): Owner['opened'] {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', chunk => {
      text += chunk;
      if (text.includes('\n')) resolve(JSON.parse(text));
    });
    child.once('exit', () => reject(new Error('the owner ended before its services were open')));
  });
}

/** Starts the program; `end` and the number of nodes are its arguments. */
export function startOwner(args: readonly string[], world: World = {}): Owner {
  const folder = mkdtempSync(join(tmpdir(), 'owner-'));
  chmodSync(folder, 0o777);
  const cwd = world.cwd ?? root;
  const program = world.program ?? join(root, 'test/services/owner-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...world.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...world.account,
  });
  const pid = child.pid ?? 0;
  let errors = '';
  child.stderr.on('data', chunk => {
    errors += chunk;
  });
  const watch = watchFamily(pid);
  const opened = openedBy(child);
  opened.catch(() => {}); // not every test waits for it
  return {
    process: child,
    pid,
    folder,
    opened,
    exited: new Promise(resolve => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    }),
    errors: () => errors,
    seen: () => watch.seen,
    leftFolders: () => readdirSync(folder).filter(name => /^lockstep-(?!cache)/.test(name)),
    clean: () => {
      watch.stop();
      // Only what descended from our owner; after a passed test nothing of it is left.
      for (const found of family(...watch.seen)) killed(found.pid);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Waits until nothing of the owner is left: no process that was seen below it, and no folder. */
export async function untilNothingIsLeft(owner: Owner): Promise<void> {
  await owner.exited;
  await until('the end of every process', () => {
    return family(...owner.seen()).length === 0;
  });
  await until('the removal of every folder', () => owner.leftFolders().length === 0);
}

/** It may have ended by itself since it was seen. */
function killed(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
