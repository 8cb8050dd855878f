import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { homedir, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { addressOf } from '../record/taps.ts';
import type { ScanResult } from '../result.ts';
import type { FromWorker, Job, JobProgress, ToWorker } from './job.ts';
import { openRelay, type RelayTarget } from './relay.ts';
import { enclosureScript } from './script.ts';

const readyMs = 30_000;
/** What is open in there is closed by then; what is left ends with the worker. */
const abortMs = 60_000;
const complaintCharactersMax = 4_000;
/** What a process has written last arrives after its end. */
const lastWordsMs = 100;

/** This machine, or this account, does not let anybody be shut in; nothing was replayed. */
export class NoEnclosure extends Error {
  override readonly name = 'NoEnclosure';
}

export interface EnclosedOptions {
  /** The folder in which services are started: they see a copy of it. */
  readonly folder: string;
  readonly progress: (progress: JobProgress) => void;
  /** Receives lines: what a service was refused, what the worker complains of. */
  readonly note: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Judges a job in a network and file system of its own, from which only the job's servers can be
 * reached. Rejects with NoEnclosure where that cannot be had: then nothing of the recording was sent.
 */
export async function enclosed(job: Job, options: EnclosedOptions): Promise<ScanResult> {
  if (process.platform !== 'linux') {
    throw new NoEnclosure(
      'nothing was replayed: services can be shut in on Linux only, and what they do to others ' +
        '(charges, mails) would happen again. Run this in a Linux container',
    );
  }
  const inRun = /^\/(run|var\/run)(\/|$)/.test(tmpdir());
  const scratch = await mkdtemp(join(inRun ? '/tmp' : tmpdir(), 'lockstep-scan-'));
  const refused = new Set<string>();
  const closeRelay = await openRelay(scratch, targetsOf(job), why => {
    if (!refused.has(why)) options.note(why);
    refused.add(why);
  });
  try {
    return await judged(job, scratch, options);
  } finally {
    await closeRelay();
    await rm(scratch, { recursive: true, force: true });
  }
}

function targetsOf({ pgUrl, redisUrls, allowHosts }: Job): RelayTarget[] {
  return [
    { ...addressOf(pgUrl, 5432), postgres: true },
    ...redisUrls.map(url => ({ ...addressOf(url, 6379), postgres: false })),
    ...allowHosts.map(host => ({ ...addressOf(`http://${host}`, 80), postgres: false })),
  ];
}

async function judged(job: Job, scratch: string, options: EnclosedOptions): Promise<ScanResult> {
  const worker = spawn('unshare', unshareArguments(options.folder), {
    cwd: scratch,
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    serialization: 'advanced',
    detached: true, // Ctrl-C is told through the channel
  });
  let complaint = '';
  worker.stderr?.on('data', (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-complaintCharactersMax);
  });
  const exited = new Promise<void>(resolve => {
    worker.on('error', error => {
      complaint += error.message;
      resolve();
    });
    // not 'close', which does not come where this side has closed the channel
    worker.on('exit', () => setTimeout(resolve, lastWordsMs));
  });
  const abort = (): void => {
    tell(worker, { kind: 'abort' });
    setTimeout(() => worker.kill('SIGKILL'), abortMs).unref();
  };
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    return await answer(worker, job, options, exited, () => complaint.trim());
  } finally {
    options.signal?.removeEventListener('abort', abort);
    if (worker.connected) worker.disconnect();
    await exited;
  }
}

/** `unshare`, the script that shuts itself in, and the worker. */
function unshareArguments(folder: string): string[] {
  const extension = extname(import.meta.url);
  const file = fileURLToPath(new URL(`./worker-process${extension}`, import.meta.url));
  const loader = ['--import', pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href];
  // without root's rights the namespaces belong to a user namespace, in which one is root
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const shell = ['sh', '-c', enclosureScript, 'lockstep', folder, homedir()];
  const node = [process.execPath, ...(extension === '.ts' ? loader : []), file];
  return [...user, '--net', '--mount', '--', ...shell, ...node];
}

function tell(worker: ChildProcess, message: ToWorker): void {
  if (worker.connected) worker.send(message, () => undefined);
}

async function answer(
  worker: ChildProcess,
  job: Job,
  options: EnclosedOptions,
  exited: Promise<void>,
  complaint: () => string,
): Promise<ScanResult> {
  let isReady = false;
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      worker.kill('SIGKILL');
      reject(noEnclosure(`no answer within ${readyMs / 1_000} s; ${complaint()}`));
    }, readyMs);
    worker.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') {
        isReady = true;
        clearTimeout(late);
        tell(worker, { kind: 'job', job });
        if (options.signal?.aborted) tell(worker, { kind: 'abort' });
      } else if (message.kind === 'progress') options.progress(message.progress);
      else if (message.kind === 'result') resolve(message.result);
      else reject(new Error(message.message));
    });
    void exited.then(() => {
      clearTimeout(late);
      const said = complaint();
      reject(isReady ? new Error(`the replay ended unexpectedly: ${said}`) : noEnclosure(said));
    });
  });
}

function noEnclosure(said: string): NoEnclosure {
  return new NoEnclosure(
    'nothing was replayed: a service that is sent its requests again may charge, mail or publish again, ' +
      'so it is shut in a network of its own (`unshare --net --mount`), and this machine or account ' +
      `does not allow that: ${said}. As root, in a container with --privileged (or --cap-add SYS_ADMIN ` +
      'NET_ADMIN), or where user namespaces are allowed to everybody, it works',
  );
}
