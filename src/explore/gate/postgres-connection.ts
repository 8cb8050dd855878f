import type { Socket } from 'node:net';
import { type PostgresMessage, shifted } from '../wire/postgres-replies.ts';
import { databaseOf, PostgresRequests } from '../wire/postgres-requests.ts';
import type { PostgresUnit } from '../wire/postgres-unit.ts';
import { BareLane } from './bare-lane.ts';
import { type CancelReason, cancelledAs } from './cancelled.ts';
import { Entrance } from './entrance.ts';
import { ExtendedState } from './extended-state.ts';
import type { GateHost, Step } from './lane.ts';
import type { PostgresBackend, PostgresServer } from './postgres-backend.ts';
import { PostgresFlight } from './postgres-flight.ts';
import { PostgresInbox } from './postgres-inbox.ts';
import { Stated } from './postgres-stated.ts';
import { isFree, statementsOf, stepOf } from './postgres-statement.ts';
import { Rewriting } from './rewriting.ts';
import { altersDefaults } from './timeout-mention.ts';
import { UnitQueue } from './unit-queue.ts';

/** Carries one client to its backend and back, one request at a time. */
export abstract class PostgresConnection extends BareLane {
  closed = false;
  override otherDatabase: string | undefined = undefined;
  override readonly stated = new Stated();
  readonly inbox = new PostgresInbox();
  protected flight: PostgresFlight | undefined;
  protected clientGone = false;
  protected leaving = false;
  protected readonly entrance: Entrance;
  protected readonly queue = new UnitQueue();
  protected readonly server: PostgresServer;
  protected readonly host: GateHost;
  protected readonly client: Socket;
  /** The error that the client gets in place of the cancel by the explorer. */
  #cancelReads: CancelReason | undefined;
  readonly #requests: PostgresRequests;
  protected readonly rewriting: Rewriting;
  readonly #cycle = new ExtendedState();
  /** Replies to the parts of one message, until the last has answered. */
  #kept: PostgresMessage[] = [];

  protected constructor(server: PostgresServer, host: GateHost, client: Socket) {
    super();
    this.server = server;
    this.host = host;
    this.client = client;
    this.rewriting = new Rewriting(server.rewriter?.());
    this.#requests = new PostgresRequests(this.rewriting.text);
    this.entrance = new Entrance(server, client);
    client.on('data', chunk => this.#fromClient(chunk));
    client.on('close', () => this.left());
  }

  /** The whole reply to a step is here. */
  protected abstract stepAnswered(flight: PostgresFlight): void;
  protected abstract serverClosed(): void;
  protected abstract cancels(bytes: Buffer): void;

  override readCancelAs(reason: CancelReason | undefined): void {
    this.#cancelReads = reason;
  }

  protected get backend(): PostgresBackend | undefined {
    return this.entrance.backend;
  }

  protected get open(): boolean {
    return this.entrance.open && !this.leaving;
  }

  protected get head(): PostgresUnit | undefined {
    const { backend } = this;
    if (backend === undefined || !this.open) return undefined;
    return this.queue.head(backend.status, backend.parameters);
  }

  #fromClient(chunk: Buffer): void {
    this.host.activity();
    try {
      for (const request of this.#requests.push(chunk)) {
        if (request.kind === 'encryption') this.client.write('N');
        else if (request.kind === 'startup') this.#start(request.bytes);
        else if (request.kind === 'cancel') this.cancels(request.bytes);
        else if (request.kind === 'terminate') {
          if (!this.stays(true)) this.client.end();
        } else if (this.entrance.asks) this.entrance.answer(request.bytes);
        else if (request.kind === 'unit' && !this.flight?.copyingIn) this.#enqueue(request);
        else this.backend?.write(request.bytes);
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #start(startup: Buffer): void {
    this.stated.heed(startup.toString('latin1'));
    const backend = this.entrance.start(startup, {
      message: message => this.#fromServer(message),
      closed: () => this.serverClosed(),
    });
    this.stated.timeouts = backend.timeouts;
    const database = databaseOf(startup);
    if (database !== this.server.warm.login.database) this.otherDatabase = database;
  }

  #enqueue(unit: PostgresUnit): void {
    if (this.closed) return;
    for (const text of [...unit.texts, ...unit.prepared]) this.stated.heed(text);
    for (const one of this.rewriting.before(unit, this.backend?.status ?? 'I'))
      this.queue.push(one);
    this.queue.push(unit);
    this.pump();
  }

  /** Whether a client that hangs up has to stay until what is inserted for that has been granted. */
  protected stays(hangsUp: boolean, failed = false): boolean {
    const { rewriting } = this;
    const status = this.backend?.status ?? 'I';
    for (const one of rewriting.end(status, hangsUp, failed)) this.queue.push(one);
    return rewriting.hangsUp && this.head?.inserted === true;
  }

  /** Sends what is no step; a step stays at the head until it is granted. */
  protected pump(): void {
    const ridden = this.flight?.rides === true ? this.flight : undefined;
    if (this.flight !== ridden) return;
    const unit = this.head;
    if (unit === undefined || (ridden !== undefined && !ridden.goesOnWith(unit))) return;
    const endsCycle = unit.ends === 'ready';
    if (ridden !== undefined) this.send(unit, ridden.step);
    else if (this.#cycle.skipping && !endsCycle) {
      this.queue.shift();
      this.backend?.write(unit.bytes);
      this.pump();
    } else if (isFree(unit, this.#unread(unit)) && !(endsCycle && this.#cycle.commits)) {
      this.send(unit, undefined);
    }
  }

  /** To analyse the statement fixes the snapshot for those that follow. */
  #unread(unit: PostgresUnit): boolean {
    return this.stated.unread && (this.backend?.status === 'T' || unit.ends === 'flush');
  }

  /** Sends the head of the queue. */
  protected send(unit: PostgresUnit, step: Step | undefined): void {
    this.queue.shift();
    this.#carry(unit, step);
  }

  #carry(unit: PostgresUnit, step: Step | undefined): void {
    const { backend } = this;
    if (backend === undefined) return;
    const flight = new PostgresFlight(unit, step);
    const onlyParses = unit.prepared.length > 0 && !unit.binds && !unit.executes;
    flight.alone = step === undefined || !onlyParses || this.#unread(unit);
    this.flight = flight;
    const { timeouts, status } = backend;
    const before = this.#cycle.open ? [] : timeouts.before(statementsOf(unit), status);
    this.#cycle.sends(unit, status);
    this.stated.sends(unit);
    if (unit.executes) this.server.routines.heed(statementsOf(unit));
    if (before.length === 0) backend.write(unit.bytes);
    else void backend.ask(before).then(() => backend.write(unit.bytes));
    this.host.activity();
  }

  #fromServer(message: PostgresMessage): void {
    this.host.activity();
    const { flight } = this;
    if (this.stated.listens && this.inbox.keeps(message)) return;
    if (flight === undefined || flight.answered || flight.rides) {
      // Asynchronous: notices, parameters, or the server's last word.
      this.#toClient([message]);
      if (message.type === 'Z') this.entrance.greeted();
      this.pump();
      return;
    }
    try {
      const read = cancelledAs(this.#cancelReads, message);
      const ended = flight.add(shifted(read, flight.unit.offsetCharacters ?? 0));
      // The client sends its data only when it has seen that the server is ready for it.
      if (message.type === 'G') this.#toClient([...this.#kept.splice(0), ...flight.take()]);
      if (ended) this.#lookBehind(flight);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A reply counts as complete once the statement's effect on the session's timeouts is known. */
  #lookBehind(flight: PostgresFlight): void {
    const { backend } = this;
    const statements = statementsOf(flight.unit);
    if (statements.some(altersDefaults)) this.server.warm.renew();
    if (backend === undefined || flight.unit.ends === 'flush') this.#complete(flight);
    else if (!backend.timeouts.looks(statements, backend.status)) this.#complete(flight);
    else {
      void backend.timeouts.look(backend.ask, backend.status).then(() => {
        if (this.flight === flight && !flight.answered) this.#complete(flight);
        this.host.activity();
      });
    }
  }

  #complete(flight: PostgresFlight): void {
    this.#cancelReads = undefined;
    if (this.backend?.status === 'I' && flight.unit.ends === 'ready') this.stated.idle();
    if (flight.failed) {
      this.queue.fail();
      this.#cycle.fails(flight.skipping);
    }
    if (!flight.alone && !flight.failed && !this.clientGone) {
      this.#toClient(flight.take());
      flight.rides = true;
      this.pump();
      return;
    }
    flight.answered = true;
    if (flight.step !== undefined) {
      this.stepAnswered(flight);
      return;
    }
    this.flight = undefined;
    flight.finish();
    if (this.clientGone) this.goOnAlone();
    else {
      if (!flight.silent) this.tell(flight);
      this.pump();
    }
  }

  /** A message that was sent in parts is answered when the last of them has answered. */
  protected tell({ messages, unit, failed }: PostgresFlight): void {
    if (unit.inserted) return;
    const goesOn = unit.more === true && !(failed && unit.ends === 'ready');
    if (!goesOn || this.backend?.closed) this.#toClient([...this.#kept.splice(0), ...messages]);
    else this.#kept.push(...messages.filter(({ type }) => type !== 'Z'));
  }

  #toClient(messages: readonly PostgresMessage[]): void {
    if (this.clientGone || messages.length === 0) return;
    this.client.write(Buffer.concat(messages.map(message => message.bytes)));
  }

  /** The server has closed the connection: further requests are never answered. */
  protected hangUp(): void {
    this.queue.clear();
    this.client.end();
    this.closed = true;
  }

  /** The client closed, or was cut off. */
  protected left(): void {
    this.host.activity();
    this.clientGone = true;
    this.flight?.endRide();
    if (this.flight === undefined || this.flight.answered) this.goOnAlone();
  }

  /** The client is gone: the rest of a message that was sent in parts, or what was sent, goes on. */
  protected goOnAlone(): void {
    this.flight?.finish();
    this.flight = undefined;
    if (this.stays(true)) return;
    const gone = this.leaving || this.backend?.closed !== false;
    const goesOn = !gone && this.queue.sent && this.head !== undefined;
    const rest = gone || goesOn ? undefined : this.queue.leave();
    if (goesOn) this.pump();
    else if (rest === undefined) this.#leave();
    else this.#carry(rest, stepOf(rest, this.server.routines));
  }

  #leave(): void {
    if (this.leaving || this.closed) return;
    const { backend } = this;
    if (backend === undefined || backend.closed) {
      this.closed = true;
      return;
    }
    this.leaving = true;
    void this.server.warm.giveBack(backend).finally(() => {
      this.closed = true;
      this.host.activity();
    });
  }

  #fail(error: unknown): void {
    this.host.failed(error instanceof Error ? error : new Error(String(error)));
    this.destroy();
  }

  /** Closes both sides for good, whatever is in flight. */
  destroy(): void {
    this.client.destroy();
    this.backend?.destroy();
    this.flight?.finish();
    this.flight = undefined;
    this.closed = true;
  }
}
