import type { Socket } from 'node:net';
import { columnNames, summary } from '../wire/postgres-replies.ts';
import { postgresReply } from './canonical.ts';
import type { GateHost, Lane, Step } from './lane.ts';
import { emptyQuery } from './own-query.ts';
import type { PostgresServer } from './postgres-backend.ts';
import { CancelLane } from './postgres-cancel.ts';
import { PostgresConnection } from './postgres-connection.ts';
import type { PostgresFlight } from './postgres-flight.ts';
import { stepOf } from './postgres-statement.ts';

/** One connection of one actor to Postgres, as the scheduler sees it. */
export class PostgresLane extends PostgresConnection implements Lane {
  readonly store = 'postgres';
  override readonly evidence = 'statement';
  readonly actor: string;
  result = '';
  reply = '';
  columns: readonly string[] = [];
  granted = 0;
  /** An inserted statement failed: `error 40001`. */
  failed: string | undefined;

  constructor(actor: string, server: PostgresServer, host: GateHost, client: Socket) {
    super(server, host, client);
    this.actor = actor;
    host.opened(this);
    host.activity();
  }

  get held(): Step | undefined {
    if (this.flight !== undefined || this.closed || !this.open) return undefined;
    const unit = this.head;
    return unit === undefined ? this.inbox.step : stepOf(unit, this.server.routines);
  }

  get inFlight(): Step | undefined {
    return this.flight?.step;
  }

  get answered(): boolean {
    return this.flight?.answered ?? false;
  }

  override get rides(): boolean {
    return this.flight?.rides ?? false;
  }

  get busy(): boolean {
    if (!this.entrance.open) return !this.closed && this.entrance.awaited;
    if (this.leaving) return !this.closed;
    return this.flight !== undefined && this.flight.step === undefined;
  }

  override get pid(): number | undefined {
    return this.backend?.pid;
  }

  override get hasBackend(): boolean {
    return this.open && !this.clientGone && this.backend?.closed === false;
  }

  override get transaction(): 'I' | 'T' | 'E' {
    return this.backend?.status ?? 'I';
  }

  override get listens(): boolean {
    return this.stated.listens;
  }

  override get holds(): boolean {
    return this.transaction !== 'I' || this.inFlight !== undefined || this.stated.locksSession;
  }

  grant(): void {
    if (this.flight !== undefined) throw new Error('nothing to grant');
    const unit = this.head;
    this.granted++;
    this.result = unit?.executes === false ? 'prepared' : 'received';
    this.reply = '';
    if (unit === undefined) this.flight = this.inbox.take();
    else this.send(unit, stepOf(unit, this.server.routines));
  }

  override sent(): void {
    this.queue.sent = true;
  }

  override callerEnded(failed: boolean): void {
    if (!this.closed && this.flight === undefined) this.stays(false, failed);
  }

  override endRide(): void {
    this.flight?.endRide();
  }

  override async messagesArrive(): Promise<void> {
    const idle = this.flight === undefined && this.hasBackend && this.transaction === 'I';
    if (!this.stated.listens || !idle) return;
    this.flight = this.inbox.probe();
    this.backend?.write(emptyQuery);
    await this.flight.done;
  }

  deliver(lost?: 'lost'): void {
    const { flight } = this;
    if (flight === undefined || !flight.answered) throw new Error('nothing to deliver');
    this.flight = undefined;
    if (lost === 'lost') this.cut();
    else if (this.clientGone) this.goOnAlone();
    else {
      this.queue.sent = false;
      this.tell(flight);
      if (this.rewriting.hangsUp && this.head === undefined) this.client.end();
      if (this.backend?.closed) this.hangUp();
      else this.pump();
    }
  }

  override doom(): void {
    if (this.backend !== undefined) this.backend.doomed = true;
  }

  /** What the server has of a message that goes there in parts, it runs to its end. */
  cut(forGood?: 'for good'): void {
    this.rewriting.cut();
    if (forGood) this.queue.clear();
    this.client.destroy();
    this.left();
  }

  protected override stepAnswered(flight: PostgresFlight): void {
    this.result = summary(flight.messages);
    if (flight.unit.inserted && flight.failed) this.failed = this.result;
    this.reply = postgresReply(flight.messages);
    this.columns = columnNames(flight.messages);
    if (this.clientGone) this.deliver();
  }

  protected override cancels(bytes: Buffer): void {
    this.closed = true;
    new CancelLane(this.actor, this.server.upstream, this.host, this.client, bytes);
  }

  protected override serverClosed(): void {
    this.host.activity();
    const { flight } = this;
    flight?.finish();
    if (flight?.step !== undefined && !this.clientGone) {
      this.result = summary(flight.messages) || 'connection closed';
      this.reply = `${postgresReply(flight.messages)} connection closed`;
      flight.rides = false;
      flight.answered = true;
      return;
    }
    this.hangUp();
  }
}
