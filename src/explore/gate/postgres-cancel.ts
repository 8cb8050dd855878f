import { connect, type Socket } from 'node:net';
import { BareLane } from './bare-lane.ts';
import type { GateHost, Lane, Step } from './lane.ts';
import type { Upstream } from './postgres-backend.ts';

/** A cancel request comes on a connection of its own; it is a step like any other. */
export class CancelLane extends BareLane implements Lane {
  readonly store = 'postgres';
  readonly actor: string;
  override readonly cancelsOther = true;
  readonly busy = false;
  readonly result = 'sent';
  closed = false;
  granted = 0;
  answered = false;
  held: Step | undefined = {
    store: 'postgres',
    label: 'cancel request',
    shape: 'cancel request',
    role: 'request',
  };
  inFlight: Step | undefined;
  readonly #upstream: Upstream;
  readonly #host: GateHost;
  readonly #client: Socket;
  readonly #bytes: Buffer;

  constructor(actor: string, upstream: Upstream, host: GateHost, client: Socket, bytes: Buffer) {
    super();
    this.actor = actor;
    this.#upstream = upstream;
    this.#host = host;
    this.#client = client;
    this.#bytes = bytes;
    client.removeAllListeners('data');
    host.opened(this);
    host.activity();
  }

  grant(): void {
    this.granted++;
    this.inFlight = this.held;
    this.held = undefined;
    const server = connect({ host: this.#upstream.host, port: this.#upstream.port });
    server.on('error', () => server.destroy());
    server.on('close', () => {
      this.answered = true;
      this.#host.activity();
    });
    server.end(this.#bytes);
    server.resume();
  }

  deliver(): void {
    this.inFlight = undefined;
    this.cut();
  }

  cut(): void {
    this.held = undefined;
    this.#client.destroy();
    this.closed = this.inFlight === undefined || this.answered;
  }

  destroy(): void {
    this.cut();
    this.closed = true;
  }
}
