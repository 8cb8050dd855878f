import type { Server } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import type { Registry } from '../../engine/registry.ts';
import type { OpenTracer } from '../../engine/trace.ts';
import { errorMessage } from '../../error-message.ts';
import { ChangesSender } from '../../telemetry/changes.ts';
import { ConnectionLimit } from '../connection-limit.ts';
import { messageClasses } from '../message-classes.ts';
import { httpConnectionsMax } from '../open-files.ts';
import { drain, httpServer, listen } from '../server.ts';
import { Service } from '../service.ts';
import { isOurs, stopLimitMs, type ToPrimary, type ToWorker, workerVariables } from './messages.ts';
import { PageRequests } from './page-requests.ts';

/** A serving process: listens on the shared port and on one of its own. */
export class Worker {
  readonly #config: Config;
  readonly #log: Logger;
  readonly #service: Service;
  readonly #servers: readonly [shared: Server, own: Server];
  readonly #pages = new PageRequests(ask => this.#send({ lockstep: 'page?', ask }));
  readonly #sent = new ChangesSender();
  #stopping = false;
  #taken = 0;

  constructor(config: Config, registry: Registry, log: Logger, tracer?: OpenTracer) {
    this.#config = config;
    this.#log = log;
    const limit = new ConnectionLimit(httpConnectionsMax(config), () =>
      this.#service.countRefusedConnection(),
    );
    this.#service = new Service(config, registry, log, {
      metricsText: () => this.#pages.get(),
      stopping: () => this.#stopping,
      ...(tracer && { tracer }),
      connections: () => limit.load,
    });
    const { app } = this.#service;
    const classes = messageClasses(app);
    const listener = limit.through(app);
    this.#servers = [httpServer(listener, { classes }), httpServer(listener, { classes })];
    for (const server of this.#servers) limit.bind(server);
    this.#servers[0].on('connection', () => {
      this.#taken += 1;
    });
  }

  /**
   * Listens and reports to the primary. Never rejects: a failure is reported, and the process
   * exits.
   */
  async start(): Promise<void> {
    process.on('message', message => {
      if (isOurs<ToWorker>(message)) this.#hear(message);
    });
    process.on('SIGINT', () => {}); // Ctrl-C reaches all processes; the primary decides
    process.once('SIGTERM', () => void this.#stop(this.#config.lameDuckMs));
    try {
      await this.#service.start();
      const { host } = this.#config;
      const [shared, own] = this.#servers;
      const port = Number(process.env[workerVariables.sharedPort]);
      await listen(shared, { host, port, exclusive: false });
      const wanted = Number(process.env[workerVariables.ownPort]);
      const ownPort = await listen(own, { host, port: wanted, exclusive: true });
      this.#send({ lockstep: 'listening', ownPort });
    } catch (error) {
      this.#log.error({ err: error }, 'cannot listen');
      const why = errorMessage(error);
      process.send?.({ lockstep: 'failed', why } satisfies ToPrimary, () => process.exit(1));
    }
  }

  #hear(message: ToWorker): void {
    if (message.lockstep === 'stop') void this.#stop(message.lameDuckMs);
    else if (message.lockstep === 'taken?')
      this.#send({ lockstep: 'taken', connections: this.#taken });
    else if (message.lockstep === 'page') this.#pages.take(message.ask, message.text);
    else void this.#tellSnapshot(message.ask);
  }

  async #tellSnapshot(ask: number): Promise<void> {
    const changes = this.#sent.since(await this.#service.changed());
    this.#send({ lockstep: 'snapshot', ask, changes });
  }

  /**
   * Is a lame duck first: not ready, but there for whoever has not heard of it yet. Then finishes
   * running requests, releases locks, sends the last counts, and exits.
   */
  async #stop(lameDuckMs: number): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    if (lameDuckMs > 0) await delay(lameDuckMs);
    const cut = setTimeout(() => {
      this.#log.error('running requests did not finish in time');
      process.exit(1);
    }, stopLimitMs);
    await drain(this.#servers, stopLimitMs - 1_500);
    await this.#service.close();
    const changes = this.#sent.since(await this.#service.changed());
    clearTimeout(cut);
    const last = { lockstep: 'snapshot', ask: 0, changes } satisfies ToPrimary;
    if (process.connected) process.send?.(last, () => process.exit(0));
    else process.exit(0);
  }

  #send(message: ToPrimary): void {
    // without a primary this process is about to exit anyway
    if (process.connected) process.send?.(message, () => {});
  }
}
