import { createDatabase } from '../../explore/run/database.ts';
import { putKeys } from '../redis-keys.ts';
import { Service } from '../service.ts';
import { hold, type OpenStart, type ScanServers } from '../start.ts';
import { type OpenProviders, openProviders, pathBehindHost } from './providers.ts';
import { openRecordingProxy } from './proxy.ts';
import type { Program, Recording } from './recording.ts';
import { Tape } from './tape.ts';
import { openTaps, type Taps } from './taps.ts';

/** What the driver of a recording is told. */
export interface RecordedService {
  /** The address to use in place of the service's. */
  readonly url: string;
  /** The servers as the service has them: for tests that look into the database. */
  readonly environment: Readonly<Record<string, string>>;
  /** Resolves when the service has ended by itself. */
  readonly ended: Promise<void>;
}

export interface RecordOptions {
  readonly servers: ScanServers;
  readonly start: OpenStart;
  readonly program: Program;
  /** URLs of other services, by the variables that hold them: what they answer is recorded. */
  readonly providers?: Readonly<Record<string, string>>;
  /** Of the recording proxy; 0 for any that is free. */
  readonly port: number;
  /** Receives what the service prints. */
  readonly output?: (text: string) => void;
  /** Uses the service; the recording ends when it resolves. */
  readonly drive: (service: RecordedService) => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Starts the service on a copy of the start and notes what goes through until `drive` is done. Nothing of
 * it is left behind but the recording.
 */
export async function record(options: RecordOptions): Promise<Recording> {
  const { servers, start, program } = options;
  const startedAt = new Date().toISOString();
  const tape = new Tape();
  const database = await hold(await createDatabase(servers.pgUrl, start.database.name));
  try {
    await putKeys(servers.redisUrls, start.redis);
    const taps = await openTaps(database.url, servers.redisUrls, tape);
    const providers = await openProviders(options.providers ?? {}, tape);
    try {
      await driven(options, tape, taps.urls, providers);
    } finally {
      await providers.close();
      await taps.close();
    }
  } finally {
    await database.drop();
    await putKeys(servers.redisUrls, []);
  }
  return {
    format: 'lockstep recording',
    version: 1,
    startedAt,
    service: program,
    start: start.start,
    requests: tape.requests,
    statements: tape.statements,
    providers: Object.entries(options.providers ?? {}).map(([name, url]) => ({
      name,
      path: pathBehindHost(url),
    })),
    calls: tape.calls,
    limits: [...tape.limits],
  };
}

async function driven(
  { program, port, output, drive, signal }: RecordOptions,
  tape: Tape,
  urls: Taps['urls'],
  { env }: OpenProviders,
): Promise<void> {
  const service = await Service.start(program, {
    urls,
    env,
    ...(output && { output }),
    ...(signal && { signal }),
  });
  try {
    const proxy = await openRecordingProxy(tape, () => service.port, port);
    try {
      const url = `http://127.0.0.1:${proxy.port}`;
      const environment = {
        BASE_URL: url,
        DATABASE_URL: urls.pgUrl,
        ...(urls.redisUrl === '' ? {} : { REDIS_URL: urls.redisUrl }),
      };
      await drive({ url, environment, ended: service.ended });
    } finally {
      await proxy.close();
    }
  } finally {
    await service.stop();
  }
}
