import { createDatabase, type OwnDatabase } from '../../explore/run/database.ts';
import type { Program, RecordedRequest } from '../record/recording.ts';
import { putKeys, readKeys } from '../redis-keys.ts';
import { hold, type ScanServers } from '../start.ts';
import type { RedisKey } from '../subject.ts';
import { differs, isTurnedAway, overlapped } from './compare.ts';
import { Renames } from './renames.ts';
import { type Replayed, Replayer, type ReplayOptions } from './replayer.ts';

/** Servers as they were before a recorded request. */
export interface State {
  /** Nobody is connected to it: it is there to be copied. */
  readonly template: string;
  readonly redis: readonly RedisKey[];
  readonly renames: Renames;
  /** Why the state is not the one of the recording; undefined where it is. */
  readonly doubt: string | undefined;
}

/**
 * Goes through a recording from its start, and stops before requests that somebody asks for. What was
 * stopped at is a database that later ones are copied from.
 */
export class States {
  readonly #servers: ScanServers;
  readonly #program: Program;
  readonly #requests: readonly RecordedRequest[];
  readonly #options: ReplayOptions;
  #database: OwnDatabase | undefined;
  #state: State;
  #position = 0;

  constructor(
    servers: ScanServers,
    program: Program,
    requests: readonly RecordedRequest[],
    start: { readonly template: string; readonly redis: readonly RedisKey[] },
    options: ReplayOptions,
  ) {
    this.#servers = servers;
    this.#program = program;
    this.#requests = requests;
    this.#options = options;
    this.#state = { ...start, renames: new Renames(), doubt: undefined };
  }

  /** The state before a request, which must not come before the last one that was asked for. */
  async before(id: number): Promise<State> {
    const until = this.#requests.findIndex(one => one.id === id);
    if (until < this.#position && this.#database !== undefined)
      throw new Error(`the state before request ${id} is over`);
    if (this.#database !== undefined && until === this.#position) return this.#state;
    const database = await this.#copy(this.#state.template);
    const earlier = this.#database;
    this.#database = database;
    await putKeys(this.#servers.redisUrls, this.#state.redis);
    const servers = { pgUrl: database.url, redisUrls: this.#servers.redisUrls };
    const replayer = await Replayer.open(this.#program, servers, this.#options);
    let { doubt } = this.#state;
    const renames = this.#state.renames.fork();
    try {
      for (const request of this.#requests.slice(this.#position, until)) {
        this.#options.signal?.throwIfAborted();
        doubt ??= this.#doubtOf(request, await replayer.send(renames.apply(request)), renames);
      }
    } finally {
      await replayer.close();
    }
    const redis = await readKeys(this.#servers.redisUrls);
    this.#state = { template: database.name, redis, renames, doubt };
    this.#position = until;
    await earlier?.drop();
    return this.#state;
  }

  /**
   * Sends requests one after the other from a state, which stays as it is. Every one of them finds the
   * service as it is behind those before it.
   */
  async serial(state: State, requests: readonly RecordedRequest[]): Promise<Replayed[]> {
    const database = await this.#copy(state.template);
    try {
      await putKeys(this.#servers.redisUrls, state.redis);
      const servers = { pgUrl: database.url, redisUrls: this.#servers.redisUrls };
      const replayer = await Replayer.open(this.#program, servers, this.#options);
      try {
        const told: Replayed[] = [];
        for (const one of requests) told.push(await replayer.send(state.renames.apply(one)));
        const last = told.pop();
        if (last !== undefined)
          told.push({ ...last, restless: last.restless || (await replayer.goesOn()) });
        return told;
      } finally {
        await replayer.close();
      }
    } finally {
      await database.drop();
    }
  }

  async close(): Promise<void> {
    await this.#database?.drop();
    this.#database = undefined;
  }

  async #copy(template: string): Promise<OwnDatabase> {
    return hold(await createDatabase(this.#servers.pgUrl, template));
  }

  #doubtOf(request: RecordedRequest, told: Replayed, renames: Renames): string | undefined {
    const why = differs(request.answer, told.answer);
    if (why === undefined) {
      renames.learn(request.answer, told.answer);
      return undefined;
    }
    if (['GET', 'HEAD', 'OPTIONS'].includes(request.method)) return undefined;
    // Who met others when it was recorded may get another answer alone.
    const met = this.#requests.some(other => overlapped(request, other));
    if (met && !isTurnedAway(told.answer)) return undefined;
    return `request ${request.id} before it (${request.method} ${request.path}) was not reproduced: ${why}`;
  }
}
