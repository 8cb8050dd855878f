import type { Socket } from 'node:net';
import {
  errorFields,
  errorResponse,
  type PostgresMessage,
  summary,
} from '../wire/postgres-replies.ts';
import { cString, PostgresRequests, type PostgresUnit } from '../wire/postgres-requests.ts';
import type { Gate, GateHost, Lane, Step } from './lane.ts';
import { listen } from './listen.ts';
import type { PostgresBackend, Upstream, WarmBackends } from './postgres-backend.ts';
import { CancelLane } from './postgres-cancel.ts';
import { PostgresFlight } from './postgres-flight.ts';
import { isFree, statesIsolation, stepOf } from './postgres-statement.ts';

export interface PostgresServer {
  readonly upstream: Upstream;
  readonly warm: WarmBackends;
}

/** AuthenticationCleartextPassword: asked on loopback only, by a gate that knows the answer. */
const cleartextPasswordRequest = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

/** Opens the port through which one actor reaches Postgres. */
export async function openPostgresGate(
  actor: string,
  server: PostgresServer,
  host: GateHost,
): Promise<Gate> {
  return listen(client => {
    new PostgresLane(actor, server, host, client);
  });
}

export class PostgresLane implements Lane {
  readonly store = 'postgres';
  readonly actor: string;
  result = '';
  granted = 0;
  closed = false;
  /** The scheduler chose this session as a deadlock's victim: its cancel reads as 40P01. */
  victim = false;
  /** Something on this connection asked for another isolation than the default. */
  statesIsolation = false;
  readonly #server: PostgresServer;
  readonly #host: GateHost;
  readonly #client: Socket;
  readonly #requests = new PostgresRequests();
  readonly #queue: PostgresUnit[] = [];
  #backend: PostgresBackend | undefined;
  #phase: 'new' | 'starting' | 'asking' | 'ready' | 'leaving' = 'new';
  #flight: PostgresFlight | undefined;
  #clientGone = false;
  /** After an error the server skips to Sync; a Flush is then not answered. */
  #skipping = false;

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
    const unit = this.#flight === undefined ? this.#queue[0] : undefined;
    return unit === undefined || this.closed || this.#phase !== 'ready' ? undefined : stepOf(unit);
  }

  get inFlight(): Step | undefined {
    return this.#flight?.step;
  }

  get answered(): boolean {
    return this.#flight?.answered ?? false;
  }

  get busy(): boolean {
    if (['starting', 'asking', 'leaving'].includes(this.#phase)) return !this.closed;
    return this.#flight !== undefined && this.#flight.step === undefined;
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
    if (unit === undefined || this.#flight !== undefined) throw new Error('nothing to grant');
    this.granted++;
    this.#send(unit, stepOf(unit));
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
    this.statesIsolation = statesIsolation(startup.toString('latin1'));
    const { backend, warm } = this.#server.warm.take(startup);
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
    const fields = [
      ['S', 'FATAL'],
      ['C', '28P01'],
      ['M', 'the password is not the one of the URL that was given to this actor'],
    ] as const;
    this.#toClient([errorResponse(new Map(fields))]);
    this.#client.end();
  }

  #cancel(bytes: Buffer): void {
    this.closed = true;
    this.#client.removeAllListeners('data');
    this.#host.opened(
      new CancelLane(this.actor, this.#server.upstream, this.#host, this.#client, bytes),
    );
  }

  #enqueue(unit: PostgresUnit): void {
    if (this.closed) return;
    this.statesIsolation ||= unit.texts.some(statesIsolation);
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

  /** An Execute was flushed and not yet synced: the Sync that follows commits it. */
  #openCycle = false;

  #send(unit: PostgresUnit, step: Step | undefined): void {
    this.#flight = new PostgresFlight(unit, step);
    if (unit.ends === 'ready') this.#skipping = false;
    this.#openCycle = unit.ends === 'flush' && (this.#openCycle || unit.executes);
    this.#backend?.write(unit.bytes);
    this.#host.activity();
  }

  #fromServer(message: PostgresMessage): void {
    this.#host.activity();
    const flight = this.#flight;
    if (flight === undefined || flight.answered) {
      // Asynchronous: notices, parameters, notifications, or the server's last word.
      this.#toClient([message]);
      if (message.type === 'Z' && this.#phase === 'starting') this.#phase = 'ready';
      this.#pump();
      return;
    }
    try {
      const ended = flight.add(this.#asVictim(message));
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
    this.victim = false;
    if (flight.step !== undefined) {
      this.result = summary(flight.messages);
      if (this.#clientGone) this.deliver();
      return;
    }
    this.#flight = undefined;
    if (this.#clientGone) {
      this.#leave();
      return;
    }
    this.#toClient(flight.messages);
    this.#pump();
  }

  #asVictim(message: PostgresMessage): PostgresMessage {
    if (message.type !== 'E' || !this.victim) return message;
    const fields = new Map(errorFields(message));
    if (fields.get('C') !== '57014') return message;
    return errorResponse(fields.set('C', '40P01').set('M', 'deadlock detected'));
  }

  #toClient(messages: readonly PostgresMessage[]): void {
    if (this.#clientGone || messages.length === 0) return;
    this.#client.write(Buffer.concat(messages.map(message => message.bytes)));
  }

  #serverClosed(): void {
    this.#host.activity();
    const flight = this.#flight;
    if (flight?.step !== undefined && !this.#clientGone) {
      this.result = summary(flight.messages) || 'connection closed';
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
