import { connect, type Socket } from 'node:net';
import { type RedisReply, type RedisRequest, RespReplies, RespRequests } from '../wire/resp.ts';
import { BareLane } from './bare-lane.ts';
import { redisReply } from './canonical.ts';
import { FirstWord, type GateHost, type Lane, type Step, type TouchedKeys } from './lane.ts';
import { behindGates, type GateOf, refuseMonitor, refuseSentinel } from './redis-addresses.ts';
import {
  commandName,
  isChatter,
  isConfirmation,
  isRefused,
  isUnsolicited,
  messageStep,
  redisStep,
  redisSummary,
} from './redis-command.ts';
import { flightOf, noWait, type RedisFlight } from './redis-flight.ts';
import { RedisTouched } from './redis-touched.ts';
import { loadsCode, type RedisServer, type RedisTraces } from './redis-traces.ts';
import { type RedisWait, withoutLimit } from './redis-wait.ts';

const askId = Buffer.from('*2\r\n$6\r\nCLIENT\r\n$2\r\nID\r\n');

const queuedMax = 100_000;

/** One connection of one actor to one Redis, as the scheduler sees it. */
export class RedisLane extends BareLane implements Lane {
  readonly store: string;
  readonly actor: string;
  override readonly evidence = 'keys';
  override readonly frees = 'listeners';
  result = '';
  reply = '';
  granted = 0;
  override database = '0';
  closed = false;
  readonly #gateOf: GateOf;
  readonly #traces: RedisTraces;
  readonly #host: GateHost;
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #requests = new RespRequests();
  readonly #replies = new RespReplies();
  readonly #queue: RedisRequest[] = [];
  /** Unsolicited frames: application code wakes on them, so each is a step of its own. */
  readonly #inbox: RedisReply[] = [];
  /** MULTI and what it queued: without effect before EXEC, so part of the EXEC step. */
  #multi: RedisRequest[] | undefined;
  #flight: RedisFlight | undefined;
  #clientId: number | undefined;
  #subscribed = false;
  #connected = false;
  readonly #firstWord = new FirstWord();
  readonly #touched = new RedisTouched();
  #sent = false;
  #clientGone = false;

  constructor(
    actor: string,
    { store, upstream, gateOf, traces }: RedisServer,
    host: GateHost,
    client: Socket,
  ) {
    super();
    this.actor = actor;
    this.store = store;
    this.#gateOf = gateOf;
    this.#traces = traces;
    traces.any = true;
    this.#host = host;
    this.#client = client;
    this.#server = connect({ host: upstream.host, port: upstream.port, noDelay: true });
    client.on('data', chunk => this.#guard(() => this.#fromClient(chunk)));
    client.on('close', () => this.#left());
    this.#server.on('connect', () => {
      this.#connected = true;
      host.activity();
    });
    this.#server.on('data', chunk => this.#guard(() => this.#fromServer(chunk)));
    this.#server.on('error', () => this.#server.destroy());
    this.#server.on('close', () => this.#serverClosed());
    host.opened(this);
    host.activity();
  }

  get held(): Step | undefined {
    if (this.closed || this.#flight !== undefined) return undefined;
    const message = this.#inbox[0];
    if (message !== undefined) return messageStep(this.store, message.value);
    const request = this.#queue[0];
    return request === undefined ? undefined : this.#stepOf(request);
  }

  get inFlight(): Step | undefined {
    return this.#flight?.step;
  }

  get answered(): boolean {
    return this.#flight?.answered ?? false;
  }

  get busy(): boolean {
    if (this.closed) return false;
    if (!this.#connected || this.#firstWord.expected) return true;
    return this.#flight !== undefined && this.#flight.step === undefined;
  }

  override get wait(): RedisWait | undefined {
    return this.#flight?.wait;
  }

  override get clientId(): number | undefined {
    return this.#clientId;
  }

  override get lastTouched(): TouchedKeys | undefined {
    return this.#touched.last;
  }

  override get subscribed(): boolean {
    return this.#subscribed;
  }

  override get listens(): boolean {
    return this.#subscribed || this.wait !== undefined;
  }

  grant(): void {
    const step = this.held;
    if (step === undefined) throw new Error('nothing to grant');
    this.granted++;
    const message = this.#inbox.shift();
    if (message !== undefined) {
      const replies = [message];
      this.#flight = { ...noWait, step, confirmations: 0, replies, answered: true };
      this.reply = redisReply(replies);
      this.#host.activity();
      return;
    }
    const request = this.#queue.shift();
    if (request !== undefined) this.#send(request, step);
  }

  override sent(): void {
    this.#sent = true;
  }

  deliver(lost?: 'lost'): void {
    const flight = this.#flight;
    if (flight === undefined || !flight.answered) throw new Error('nothing to deliver');
    this.#flight = undefined;
    if (lost === 'lost') {
      this.destroy();
      return;
    }
    this.#toClient(flight.replies);
    this.#goOn();
  }

  cut(): void {
    this.destroy();
  }

  destroy(): void {
    if (this.closed) return;
    this.closed = true;
    this.#flight = undefined;
    this.#queue.length = 0;
    this.#client.destroy();
    this.#server.destroy();
    this.#host.activity();
  }

  #fromClient(chunk: Buffer): void {
    this.#firstWord.said = true;
    for (const request of this.#requests.push(chunk)) {
      this.#traces.code ||= loadsCode(request.words);
      this.#queue.push(request);
    }
    if (this.#queue.length > queuedMax) throw new Error('a client queued too many Redis commands');
    this.#pump();
  }

  #pump(): void {
    const request = this.#queue[0];
    if (request === undefined || this.#flight !== undefined || this.closed) return;
    if (commandName(request.words) === 'monitor') refuseMonitor();
    if (commandName(request.words) === 'sentinel') refuseSentinel();
    if (!this.#isFree(request)) return;
    this.#queue.shift();
    this.#send(request, undefined);
  }

  #isFree(request: RedisRequest): boolean {
    const name = commandName(request.words);
    if (name === 'multi') return true;
    if (this.#multi !== undefined) return name !== 'exec';
    return isChatter(request.words, this.granted === 0);
  }

  #stepOf(request: RedisRequest): Step {
    const inside = this.#multi ?? [];
    const words = [...inside, request].map(one => one.words);
    return redisStep(this.store, words);
  }

  #send(request: RedisRequest, step: Step | undefined): void {
    const name = commandName(request.words);
    const commands = [...(this.#multi ?? []), request].map(one => one.words);
    if (step !== undefined) this.#touched.sends(name, commands);
    if (name === 'select') this.database = request.words[1] ?? '0';
    if (name === 'multi') this.#multi = [request];
    else if (name === 'exec' || name === 'discard') this.#multi = undefined;
    else this.#multi?.push(request);
    const flight = flightOf(request.words, step, this.#multi !== undefined);
    if (flight.confirmations > 0) this.#subscribed = true;
    this.#flight = flight;
    const { wait } = flight;
    if (wait?.limitMs === undefined) this.#server.write(request.bytes);
    else this.#server.write(Buffer.concat([askId, withoutLimit(request.bytes, wait.at)]));
    this.#host.activity();
  }

  #fromServer(chunk: Buffer): void {
    for (const reply of this.#replies.push(chunk)) this.#received(reply);
  }

  #received(reply: RedisReply): void {
    const flight = this.#flight;
    if (isUnsolicited(reply.value) && (reply.push || this.#subscribed)) this.#inbox.push(reply);
    else if (flight === undefined || flight.answered) this.#toClient([reply]);
    else {
      if (reply.push && !isConfirmation(reply.value)) {
        this.#toClient([reply]);
        return;
      }
      if (flight.asksId) {
        flight.asksId = false;
        if (typeof reply.value === 'number') this.#clientId = reply.value;
        return;
      }
      flight.replies.push(behindGates(flight.words, reply, this.#gateOf));
      if (flight.replies.length >= Math.max(1, flight.confirmations)) this.#complete(flight, reply);
    }
    if (this.#inbox.length > queuedMax) throw new Error('too many Redis messages are waiting');
  }

  #complete(flight: RedisFlight, reply: RedisReply): void {
    flight.answered = true;
    if (isRefused(flight.words, reply.value)) this.#touched.refused();
    if (flight.step !== undefined) {
      this.result = redisSummary(reply.value);
      this.reply = redisReply(flight.replies);
      return;
    }
    this.#flight = undefined;
    this.#toClient(flight.replies);
    this.#goOn();
  }

  /** What was sent goes on without its client; the server gives up waiting for somebody who is gone. */
  #left(): void {
    this.#host.activity();
    this.#clientGone = true;
    this.#inbox.length = 0;
    const goesOn = this.#sent && this.#queue.length > 0 && this.wait === undefined;
    if (!goesOn) this.destroy();
  }

  #goOn(): void {
    if (!this.#clientGone) this.#sent = false;
    this.#pump();
    if (this.#clientGone && this.#flight === undefined && this.#queue.length === 0) this.destroy();
  }

  #toClient(replies: readonly RedisReply[]): void {
    if (!this.closed && !this.#clientGone)
      this.#client.write(Buffer.concat(replies.map(reply => reply.bytes)));
  }

  #serverClosed(): void {
    this.#host.activity();
    if (this.closed) return;
    this.closed = true;
    this.#flight = undefined;
    this.#client.end();
  }

  #guard(act: () => void): void {
    this.#host.activity();
    try {
      act();
    } catch (error) {
      this.#host.failed(error instanceof Error ? error : new Error(String(error)));
      this.destroy();
    }
  }
}
