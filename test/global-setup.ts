import type { TestProject } from 'vitest/node';
import { openServices } from '../src/services/index.ts';
import type {} from './servers.ts';

/**
 * Starts one Postgres and four Redis for the whole run, or takes those that DATABASE_URL,
 * REDIS_URL and REDIS_NODES name, and ends what it started.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { DATABASE_URL, REDIS_URL, REDIS_NODES } = process.env;
  const services = await openServices({
    ...(DATABASE_URL ? { databaseUrl: DATABASE_URL } : {}),
    ...(REDIS_URL ? { redisUrl: REDIS_URL } : {}),
    ...(REDIS_NODES ? { redisNodeUrls: REDIS_NODES.split(',') } : {}),
    redisNodeCount: 3,
    durable: false,
    report: line => console.log(line),
  });
  project.provide('testServers', {
    postgresUrl: services.postgres.url,
    redisUrl: services.redis.url,
    redisNodeUrls: services.redisNodes.map(node => node.url),
  });
  return () => services.close();
}
