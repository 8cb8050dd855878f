/**
 * The keeper: a process in its own session that is the parent of every server and service process,
 * and that outlives its owner just long enough to clean up.
 *
 * The operating system closes the channel however the owner ends, even by SIGKILL. Then, or on a
 * signal to the keeper itself, it stops all children and removes all owned folders. Only the keeper
 * creates children and folders, so it always knows all of them.
 */
import { chownSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeptChild } from './kept-child.ts';
import { isRequest, type Notice, type Request } from './protocol.ts';

/** After this the keeper kills what is left and exits. */
const shutdownMs = 12_000;
/** Backlog of output lines for an owner that does not read; further lines are dropped. */
const unsentLinesMax = 1_000;

const children = new Map<number, KeptChild>();
const paths = new Set<string>();
let closing: Promise<void> | undefined;
let unsentLines = 0;

function send(notice: Notice): void {
  if (!process.connected) return;
  if (notice.kind !== 'line') {
    process.send?.(notice, undefined, undefined, () => {});
    return;
  }
  if (unsentLines >= unsentLinesMax) return;
  unsentLines += 1;
  process.send?.(notice, undefined, undefined, () => {
    unsentLines -= 1;
  });
}

async function start(request: Request & { readonly kind: 'start' }): Promise<string> {
  const { child: key, spec } = request;
  const onLine = (line: string) => send({ kind: 'line', child: key, line });
  const child = new KeptChild(spec, request.lines ? onLine : undefined);
  children.set(key, child);
  const forget = () => children.delete(key);
  child.ended.then(exit => {
    forget();
    send({ kind: 'exit', child: key, exit });
  }, forget);
  return String(await child.started());
}

function makeFolder(request: Request & { readonly kind: 'make folder' }): string {
  const path = mkdtempSync(join(request.base, 'lockstep-')); // mode 0700
  paths.add(path);
  if (request.account) chownSync(path, request.account.uid, request.account.gid);
  return path;
}

async function removePath(path: string): Promise<void> {
  // A backend that is still shutting down may write while its folder is being removed.
  await rm(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  paths.delete(path);
}

async function answer(request: Request): Promise<string> {
  if (closing && request.kind !== 'close') throw new Error('the keeper is closing');
  switch (request.kind) {
    case 'start':
      return start(request);
    case 'stop':
      await children.get(request.child)?.stop();
      return '';
    case 'signal':
      children.get(request.child)?.signal(request.signal);
      return '';
    case 'make folder':
      return makeFolder(request);
    case 'own path':
      paths.add(request.path);
      return '';
    case 'disown path':
      paths.delete(request.path);
      return '';
    case 'remove path':
      await removePath(request.path);
      return '';
    case 'close':
      await shutdown();
      return '';
  }
}

async function endAll(): Promise<void> {
  for (const role of ['client', 'server'] as const) {
    const ending = [...children.values()].filter(child => child.spec.role === role);
    await Promise.all(ending.map(child => child.stop()));
  }
  await Promise.allSettled([...paths].map(removePath));
}

function shutdown(): Promise<void> {
  closing ??= endAll();
  return closing;
}

/** Stops everything, then the keeper. Called whichever way the owner goes away. */
function leave(): void {
  const overdue = setTimeout(() => {
    for (const child of children.values()) child.killGroup();
    process.exit(1);
  }, shutdownMs);
  overdue.unref();
  shutdown().finally(() => process.exit(0));
}

function listen(): void {
  process.title = 'lockstep keeper';
  process.on('disconnect', leave);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  process.on('uncaughtException', error => {
    process.stderr.write(`${error.stack ?? error}\n`);
    leave();
  });
  process.stderr.on('error', () => {}); // the reader may be gone, and there is no one else to tell
  process.on('message', message => {
    if (!isRequest(message)) return;
    const { id } = message;
    answer(message).then(
      value => send({ kind: 'answer', id, value }),
      error => send({ kind: 'refusal', id, reason: String(error?.message ?? error) }),
    );
  });
  send({ kind: 'ready' });
}

listen();
if (!process.connected) leave(); // the owner exited while this process was starting
