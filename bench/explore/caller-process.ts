/** Runs one command in a separate process, for strategies whose lock is local to a process. */
import { loadRegistry, ownFolders, type Registry } from '../../src/engine/registry.ts';
import { strategyNamed } from '../../src/rollout/named.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { type CallerSpec, callerSpec } from './caller-spec.ts';
import { engineCaller, type PlannedCommand } from './engine-caller.ts';

const setupMs = 30_000;

/** Takes the command from its argument and the servers from the environment. */
async function main(text: string): Promise<boolean> {
  const spec = callerSpec(text);
  const registry = await loadRegistry(spec.strategyFiles, ownFolders);
  const pgUrl = process.env.DATABASE_URL ?? '';
  const command = await commandOf(registry, spec, pgUrl);
  const redisUrl = process.env.REDIS_URL ?? '';
  const urls = { pgUrl, redisUrl, redisUrls: redisUrl ? [redisUrl] : [], httpUrls: [] };
  const told = await engineCaller(() => command, spec.needs)(urls);
  process.stdout.write(`${JSON.stringify(told)}\n`);
  return told.outcome === 'accepted' || told.outcome === 'refused';
}

async function commandOf(
  registry: Registry,
  { scenario: name, variant, strategy, commandId, input, idempotency }: CallerSpec,
  pgUrl: string,
): Promise<PlannedCommand> {
  const scenario = registry.scenarios.get(name);
  const found = strategyNamed(registry, strategy);
  if (!scenario || !('strategy' in found))
    throw new Error(`unknown scenario '${name}' or unknown strategy '${strategy}'`);
  const store = new PostgresStore({ url: pgUrl, connectionsMax: 1, lockTimeoutMs: setupMs });
  const plan = await scenario.registered.prepare(variant, input, store.query);
  await store.close();
  const command = { scenario, variant, strategy: found.strategy, commandId, input, plan };
  return { ...command, ...(idempotency && { idempotency }) };
}

// open connections would keep the process alive
process.exit((await main(process.argv[2] ?? '')) ? 0 : 1);
