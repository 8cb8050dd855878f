/** Makes a recording as the options say: what `lockstep record` and `lockstep scan` share. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { type RecordedService, record } from '../../src/scan/record/record.ts';
import type { Recording } from '../../src/scan/record/recording.ts';
import { readRequests, sendAll } from '../../src/scan/record/requests-file.ts';
import {
  type OpenStart,
  openStart,
  type ScanServers,
  type StartSource,
} from '../../src/scan/start.ts';
import { UsageError } from '../lab/command-line.ts';
import type { RecordValues } from './options.ts';

export interface RecordingRun {
  readonly values: RecordValues;
  /** The command that starts the service. */
  readonly service: readonly string[];
  readonly servers: ScanServers;
  readonly note: (line: string) => void;
  readonly signal: AbortSignal;
}

/** What a start is made from: options, or a recording. */
export type StartValues = Partial<
  Pick<RecordValues, 'setup' | 'prepare' | 'database' | 'redis'>
> & {
  /** In place of the file `setup`. */
  readonly setupText?: string;
};

/** The start as the options name it. */
export async function startOf(values: StartValues, servers: ScanServers): Promise<OpenStart> {
  const { setup, setupText, prepare, database, redis } = values;
  if (database !== undefined && (setup !== undefined || prepare !== undefined))
    throw new UsageError('--database is copied as it is: leave out --setup and --prepare');
  const source: StartSource = {
    ...(setup !== undefined && { setup: await textOf(setup) }),
    ...(setupText !== undefined && { setup: setupText }),
    ...(prepare !== undefined && { prepare }),
    ...(database !== undefined && { databaseUrl: database }),
    ...(redis !== undefined && { redisUrl: redis }),
  };
  return openStart(servers, source);
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => {
    throw new UsageError(`--setup: ${file} cannot be read`);
  });
}

/** Records until the driver is done, or Ctrl-C. */
export async function recorded(run: RecordingRun, start: OpenStart): Promise<Recording> {
  const [file, ...more] = run.service;
  if (file === undefined)
    throw new UsageError('which service? Put its command behind --: lockstep record -- npm start');
  const { values, note, servers, signal } = run;
  const missing: string[] = [];
  const made = await record({
    servers,
    start,
    program: { command: [file, ...more], cwd: process.cwd() },
    providers: providersOf(values.provider),
    port: values.port,
    output: text => void process.stderr.write(text),
    drive: service => drive(run, service, missing),
    signal,
  });
  const recording = { ...made, limits: [...made.limits, ...missing] };
  const { requests, statements } = recording;
  note(`recorded ${requests.length} requests, which sent ${statements.length} statements`);
  for (const one of recording.limits) note(`not recorded: ${one}`);
  return recording;
}

/** The URLs that these variables hold here. */
function providersOf(names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map(name => {
      const url = process.env[name];
      if (url !== undefined && /^https?:/.test(url)) return [name, url];
      throw new UsageError(`--provider: the variable ${name} holds no URL here; set it to one`);
    }),
  );
}

/** Whatever was not sent, or did not go well, is `missing`: a scan of the rest is not complete. */
async function drive(
  { values, note, signal }: RecordingRun,
  service: RecordedService,
  missing: string[],
) {
  note(`the service is at ${service.url}`);
  if (values.requests !== undefined) {
    const requests = await readRequests(values.requests, one => missing.push(one));
    const answered = await sendAll(service.url, requests, signal);
    if (answered < requests.length)
      missing.push(
        `${requests.length - answered} of ${requests.length} requests were not answered`,
      );
  }
  if (values.test !== undefined) {
    const code = await runTest(values.test, service, signal);
    if (code !== 0) missing.push(`--test ended with ${code ?? 'a signal'}`);
  }
  if (values.requests !== undefined || values.test !== undefined) return;
  note('use it there; Ctrl-C ends the recording');
  const pressed = new Promise<void>(resolve => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const gone = service.ended.then(() => note('the service has ended'));
  await Promise.race([pressed, gone]);
}

/** The user's own tests, which find the service in BASE_URL; resolves to their exit code. */
async function runTest(
  command: string,
  { environment }: RecordedService,
  signal: AbortSignal,
): Promise<number | null> {
  const child = spawn('sh', ['-c', command], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 2, 2],
  });
  const end = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', end, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  signal.removeEventListener('abort', end);
  return code;
}
