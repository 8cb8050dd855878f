/** The clients of a cell: send commands and note every one of them, at its invocation and its answer. */
import type { Call, Load, Query, Round } from '../../src/contract/index.ts';
import { Client, type ClientOptions, noReply } from '../compare/client.ts';
import { waitMs } from '../lab/wait.ts';
import { leftDetail, type Operation, type Role } from './history.ts';

/** What a caller was told. */
export type Answered = Awaited<ReturnType<Client['send']>>;

const typeOf = ({ outcome, notSent }: Answered): Operation['type'] => {
  if (outcome === 'accepted' || outcome === 'refused') return 'ok';
  return outcome === 'unknown' && !notSent ? 'info' : 'fail';
};

export interface CallersOptions {
  readonly scenario: string;
  readonly to: ClientOptions;
  /** How many processes of the service are addressed. */
  readonly processes: number;
}

/** A command that is under way. */
export interface UnderWay {
  readonly id: number;
  readonly answer: Promise<Answered>;
}

/** How a command is sent, and left. */
export interface Sending {
  /** A client that sends several; its own otherwise. */
  readonly client?: number;
  readonly idempotencyKey?: string;
  /** When it is aborted, its caller is gone. */
  readonly leave?: AbortSignal;
  /** Whether the service is told of that, by the end of the connection. Default: it is. */
  readonly told?: boolean;
}

/** Some load on other keys, not as much as possible; `strategies` share the machine. */
function bystandersOf(strategies: number) {
  return strategies <= 2
    ? { lanesPerProcess: 2, pauseMs: 15 }
    : { lanesPerProcess: 1, pauseMs: 8 * strategies };
}

const keysAtOnce = 500;
/** The numbers of the clients of one lane are so far apart. */
const clientsPerLane = 16;

export class Callers {
  readonly history: Operation[] = [];
  readonly #options: CallersOptions;
  readonly #client: Client;
  readonly #startMs = performance.now();
  /** Commands whose callers are gone, and of which the service is not told. */
  readonly #abandoned: Promise<unknown>[] = [];
  #ids = 0;
  #lanes: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(options: CallersOptions) {
    this.#options = options;
    this.#client = new Client(options.processes);
  }

  /** Milliseconds since the cell began: the clock of the history. */
  nowMs(): number {
    return Math.round((performance.now() - this.#startMs) * 1_000) / 1_000;
  }

  /** The same for a time of `performance.now()`. */
  at(atMs: number): number {
    return Math.round((atMs - this.#startMs) * 1_000) / 1_000;
  }

  /** Sends a command to one process of the service. */
  send(key: string, call: Call, service: number, role: Role, sending: Sending = {}): UnderWay {
    this.#ids += 1;
    const id = this.#ids;
    const head = {
      id,
      process: sending.client ?? 1_000 + id,
      service,
      role,
      f: this.#options.scenario,
      key,
    };
    const { body: sent, refusal } = call;
    const value = { sent, ...(refusal && { refusal }) };
    this.history.push({ type: 'invoke', ...head, value, time: this.nowMs() });
    const answer = this.#answer(call, service, sending).then(answer => {
      const { outcome, detail, commandId } = answer;
      this.history.push({
        type: typeOf(answer),
        ...head,
        value: { sent, outcome, detail, ...(commandId && { commandId }) },
        time: this.nowMs(),
      });
      return answer;
    });
    answer.catch(() => {}); // whoever waits for it is told
    return { id, answer };
  }

  async #answer(call: Call, service: number, sending: Sending): Promise<Answered> {
    const { leave, told = true, idempotencyKey } = sending;
    const own = { ...(idempotencyKey && { idempotencyKey }), ...(leave && told && { leave }) };
    const sentMs = performance.now();
    const asked = this.#client.send(call, service, this.#options.to, own);
    if (!leave) return asked;
    const left = new Promise<Answered>(resolve => {
      const gone = (): void => {
        this.#abandoned.push(asked.catch(() => {})); // whatever came of it, nobody hears
        resolve({ ...noReply(call, service, sentMs), detail: leftDetail });
      };
      if (leave.aborted) gone();
      else leave.addEventListener('abort', gone, { once: true });
    });
    return Promise.race([left, asked]);
  }

  /** Load on other keys, to every process, until `settle`; one of so many that share the machine. */
  async startBystanders(
    load: Load,
    query: Query,
    random: () => number,
    strategies: number,
  ): Promise<void> {
    const make = (): Promise<readonly Round[]> =>
      load({ rounds: keysAtOnce, rivals: 1, doubleTapShare: 0, random }, query);
    const left = [...(await make())];
    const next = async (): Promise<Round | undefined> => {
      // a database that is struck makes no keys: then the load waits for it
      if (left.length === 0) left.push(...(await make().catch(() => [])));
      return left.shift();
    };
    const { lanesPerProcess, pauseMs } = bystandersOf(strategies);
    const lanes = Array.from({ length: this.#options.processes * lanesPerProcess }, (_, lane) =>
      this.#lane(lane, next, pauseMs),
    );
    this.#lanes = Promise.all(lanes);
    this.#lanes.catch(() => {}); // `settle` tells it
  }

  /** Ends the load, and waits for the answers. */
  async settle(): Promise<void> {
    this.#stopped = true;
    await this.#lanes;
    await Promise.all(this.#abandoned);
  }

  close(): void {
    this.#stopped = true;
    this.#client.close();
  }

  async #lane(
    lane: number,
    next: () => Promise<Round | undefined>,
    pauseMs: number,
  ): Promise<void> {
    let client = lane;
    while (!this.#stopped) {
      const round = await next();
      const [call] = round?.calls ?? [];
      if (!round || !call) {
        await waitMs(pauseMs, this.#options.to.signal);
        continue;
      }
      const service = lane % this.#options.processes;
      const { outcome } = await this.send(round.key, call, service, 'bystander', { client }).answer;
      // who does not know how its command ended is another client from now on
      if (outcome === 'unknown') client += clientsPerLane;
      await waitMs(pauseMs, this.#options.to.signal);
    }
  }
}
