import type { Socket } from 'node:net';
import { type PostgresMessage, summary } from '../wire/postgres-replies.ts';
import { cString, PostgresRequests, type PostgresUnit } from '../wire/postgres-requests.ts';
import { postgresReply } from './canonical.ts';
import { FirstWord, type GateHost, type Lane, type Step } from './lane.ts';
import type { PostgresBackend, PostgresServer } from './postgres-backend.ts';
import { CancelLane } from './postgres-cancel.ts';
import { PostgresFlight } from './postgres-flight.ts';
import { emptyQuery, PostgresInbox } from './postgres-inbox.ts';
import { cleartextPasswordRequest, wrongPassword } from './postgres-password.ts';
import { Stated } from './postgres-stated.ts';
import { isFree, stepOf } from './postgres-statement.ts';
import { type CancelReason, cancelledAs, withoutTimeouts } from './postgres-timeouts.ts';

/** One connection of one actor to Postgres. */
export class PostgresLane implements Lane {
  readonly store = 'postgres';
  readonly actor: string;
  result = '';
  reply = '';
  granted = 0;
  closed = false;
  /** The explorer cancels the statement in flight, and this is what its client shall read. */
  cancelReads: CancelReason | undefined;
  readonly stated = new Stated();
  readonly inbox = new PostgresInbox();
  readonly #server: PostgresServer;
  readonly #host: GateHost;
  readonly #client: Socket;
  readonly #requests = new PostgresRequests();
  readonly #queue: PostgresUnit[] = [];
  #backend: PostgresBackend | undefined;
  #phase: 'new' | 'starting' | 'asking' | 'ready' | 'leaving' = 'new';
  #flight: PostgresFlight | undefined;
  #clientGone = false;
  readonly #firstWord = new FirstWord();
  #skipping = false;
  /** An Execute was flushed and not yet synced: the Sync that follows commits it. */
  #openCycle = false;

  constructor(actor: string, server: PostgresServer, host: GateHost, client: Socket) {
    this.actor = actor;
    this.#server = server;
    this.#host = host;
    this.#client = client;
    client.on('data', chunk => this.#fromClient(chunk));
    client.on('close', () => this.#left());
    host.opened(this);
    host.activity();
  }

  get held(): Step | undefined {
    if (this.#flight !== undefined || this.closed || this.#phase !== 'ready') return undefined;
    return this.#queue[0] === undefined ? this.inbox.step : stepOf(this.#queue[0]);
  }

  get inFlight(): Step | undefined {
    return this.#flight?.step;
  }

  get answered(): boolean {
    return this.#flight?.answered ?? false;
  }
  get busy(): boolean {
    const free = this.#flight !== undefined && this.#flight.step === undefined;
    return this.#phase === 'ready' ? free : !this.closed && this.#firstWord.awaited;
  }

  get pid(): number | undefined {
    return this.#backend?.pid;
  }

  /** A backend serves this client. */
  get connected(): boolean {
    return this.#phase === 'ready' && !this.#clientGone && this.#backend?.closed === false;
  }

  get transaction(): 'I' | 'T' | 'E' {
    return this.#backend?.status ?? 'I';
  }

  grant(): void {
    const unit = this.#queue.shift();
    if (this.#flight !== undefined) throw new Error('nothing to grant');
    this.granted++;
    this.result = 'received';
    if (unit === undefined) this.#flight = this.inbox.take();
    else this.#send(unit, stepOf(unit));
  }

  /** Resolves when every notification that was sent before is in the inbox. */
  async notificationsArrive(): Promise<void> {
    const idle = this.#flight === undefined && this.connected && this.transaction === 'I';
    if (!this.stated.listens || !idle) return;
    this.#flight = this.inbox.probe();
    this.#backend?.write(emptyQuery);
    await this.#flight.done;
  }

  deliver(lost?: 'lost'): void {
    const flight = this.#flight;
    if (flight === undefined || !flight.answered) throw new Error('nothing to deliver');
    this.#flight = undefined;
    if (lost === 'lost') this.cut();
    if (this.#clientGone) {
      this.#leave();
      return;
    }
    this.#toClient(flight.messages);
    if (this.#backend?.closed) this.#hangUp();
    else this.#pump();
  }

  cut(): void {
    this.#clientGone = true;
    this.#queue.length = 0;
    this.#client.destroy();
    this.#left();
  }

  destroy(): void {
    this.#client.destroy();
    this.#backend?.destroy();
    this.#flight?.finish();
    this.#flight = undefined;
    this.closed = true;
  }

  #fromClient(chunk: Buffer): void {
    this.#host.activity();
    try {
      for (const request of this.#requests.push(chunk)) {
        if (request.kind === 'encryption') this.#client.write('N');
        else if (request.kind === 'startup') this.#start(request.bytes);
        else if (request.kind === 'cancel') this.#cancel(request.bytes);
        else if (request.kind === 'terminate') this.#client.end();
        else if (request.kind === 'password' && this.#phase === 'asking')
          this.#answer(request.bytes);
        else if (request.kind === 'unit' && !this.#flight?.copyingIn) this.#enqueue(request);
        else this.#backend?.write(request.bytes);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #start(startup: Buffer): void {
    this.#firstWord.said = true;
    this.stated.heed(startup.toString('latin1'));
    const { backend, warm } = this.#server.warm.take(withoutTimeouts(startup));
    this.#backend = backend;
    this.#phase = !warm ? 'starting' : backend.asked ? 'asking' : 'ready';
    backend.listen({
      message: message => this.#fromServer(message),
      closed: () => this.#serverClosed(),
    });
    if (this.#phase === 'asking') this.#client.write(cleartextPasswordRequest);
    else if (warm) this.#client.write(backend.greeting);
  }

  /** The password of a client that takes over a backend which the server has let in before. */
  #answer(bytes: Buffer): void {
    if (cString(bytes, 5) === this.#server.warm.login.password) {
      this.#phase = 'ready';
      this.#client.write(this.#backend?.greeting ?? '');
      return;
    }
    this.#client.end(wrongPassword().bytes);
  }

  #cancel(bytes: Buffer): void {
    this.closed = true;
    new CancelLane(this.actor, this.#server.upstream, this.#host, this.#client, bytes);
  }

  #enqueue(unit: PostgresUnit): void {
    if (this.closed) return;
    for (const text of unit.texts) this.stated.heed(text);
    this.#queue.push(unit);
    this.#pump();
  }

  /** Sends what is no step; a step stays at the head until it is granted. */
  #pump(): void {
    const unit = this.#queue[0];
    if (unit === undefined || this.#flight !== undefined || this.#phase !== 'ready') return;
    const endsCycle = unit.ends === 'ready';
    if (this.#skipping && !endsCycle) {
      this.#queue.shift();
      this.#backend?.write(unit.bytes);
      this.#pump();
    } else if (isFree(unit) && !(endsCycle && this.#openCycle)) {
      this.#queue.shift();
      this.#send(unit, undefined);
    }
  }

  #send(unit: PostgresUnit, step: Step | undefined): void {
    this.#flight = new PostgresFlight(unit, step);
    if (unit.ends === 'ready') this.#skipping = false;
    this.#openCycle = unit.ends === 'flush' && (this.#openCycle || unit.executes);
    this.#backend?.write(withoutTimeouts(unit.bytes));
    this.#host.activity();
  }

  #fromServer(message: PostgresMessage): void {
    this.#host.activity();
    const flight = this.#flight;
    if (this.stated.listens && this.inbox.keeps(message)) return;
    if (flight === undefined || flight.answered) {
      // Asynchronous: notices, parameters, or the server's last word.
      this.#toClient([message]);
      if (message.type === 'Z' && this.#phase === 'starting') this.#phase = 'ready';
      this.#pump();
      return;
    }
    try {
      const ended = flight.add(cancelledAs(this.cancelReads, message));
      this.#skipping = flight.skipping;
      // The client sends its data only when it has seen that the server is ready for it.
      if (message.type === 'G') this.#toClient(flight.messages.splice(0));
      if (ended) this.#complete(flight);
    } catch (error) {
      this.#fail(error);
    }
  }

  #complete(flight: PostgresFlight): void {
    flight.answered = true;
    this.cancelReads = undefined;
    if (flight.step !== undefined) {
      this.result = summary(flight.messages);
      this.reply = postgresReply(flight.messages);
      if (this.#clientGone) this.deliver();
      return;
    }
    this.#flight = undefined;
    flight.finish();
    if (this.#clientGone) {
      this.#leave();
      return;
    }
    if (!flight.silent) this.#toClient(flight.messages);
    this.#pump();
  }

  #toClient(messages: readonly PostgresMessage[]): void {
    if (this.#clientGone || messages.length === 0) return;
    this.#client.write(Buffer.concat(messages.map(message => message.bytes)));
  }

  #serverClosed(): void {
    this.#host.activity();
    const flight = this.#flight;
    flight?.finish();
    if (flight?.step !== undefined && !this.#clientGone) {
      this.result = summary(flight.messages) || 'connection closed';
      this.reply = `${postgresReply(flight.messages)} connection closed`;
      flight.answered = true;
      return;
    }
    this.#hangUp();
  }

  /** The server has closed the connection: what the client still asks is never answered. */
  #hangUp(): void {
    this.#queue.length = 0;
    this.#client.end();
    this.closed = true;
  }

  /** The client closed, or was cut off. */
  #left(): void {
    this.#host.activity();
    this.#clientGone = true;
    if (this.#flight === undefined || this.#flight.answered) this.#leave();
  }

  #leave(): void {
    this.#flight?.finish();
    this.#flight = undefined;
    if (this.#phase === 'leaving' || this.closed) return;
    const backend = this.#backend;
    if (backend === undefined || backend.closed) {
      this.closed = true;
      return;
    }
    this.#phase = 'leaving';
    void this.#server.warm.giveBack(backend).finally(() => {
      this.closed = true;
      this.#host.activity();
    });
  }

  #fail(error: unknown): void {
    this.#host.failed(error instanceof Error ? error : new Error(String(error)));
    this.destroy();
  }
}
