import type { Express } from 'express';
import { pino } from 'pino';
import { afterAll } from 'vitest';
import { readConfig, strategyFilesOf } from '../../src/config.ts';
import { loadRegistry } from '../../src/engine/registry.ts';
import { messageClasses } from '../../src/http/message-classes.ts';
import { drain, httpServer, listen } from '../../src/http/server.ts';
import { Service } from '../../src/http/service.ts';
import { pageOf } from '../../src/telemetry/prometheus.ts';
import { violationsSchema } from '../../src/telemetry/violations.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';

export interface Edge {
  readonly url: string;
  readonly port: number;
  readonly databaseUrl: string;
  readonly app: Express;
  /** What was logged, as lines. */
  readonly logged: readonly string[];
  /** Makes the process look as if it were stopping. */
  stopping: boolean;
}

/**
 * One process of the service inside the test process, on a database of its own; ends with the test
 * file. `through` may put something between it and Postgres.
 */
export async function openEdge(
  environment: Record<string, string> = {},
  through: (databaseUrl: string) => Promise<string> = async url => url,
): Promise<Edge> {
  const registry = await loadRegistry(strategyFilesOf(environment));
  const { databaseUrl, redisUrl } = await scenarioDatabase(registry, violationsSchema.schemaSql);
  const stores = {
    DATABASE_URL: await through(databaseUrl),
    REDIS_URL: redisUrl,
    CONNECT_TIMEOUT_MS: '30000',
    WAIT_MS: '30000',
  };
  const config = readConfig({ ...stores, ...environment });
  const logged: string[] = [];
  const log = pino({ level: config.logLevel }, { write: line => logged.push(line) });
  const service: Service = new Service(config, registry, log, {
    metricsText: async () => pageOf([await service.snapshot()]),
    stopping: () => edge.stopping,
  });
  const { app } = service;
  const edge = { url: '', port: 0, databaseUrl, app, logged, stopping: false };
  await service.start();
  const server = httpServer(service.app, { classes: messageClasses(service.app) });
  edge.port = await listen(server, { host: '127.0.0.1', port: 0, exclusive: true });
  edge.url = `http://127.0.0.1:${edge.port}`;
  afterAll(async () => {
    await drain([server], 1_000);
    await service.close();
  });
  return edge;
}
