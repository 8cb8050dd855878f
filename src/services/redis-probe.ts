import type { Keeper } from './keeper.ts';

/** The oldest Redis that the strategies were tested with; every Valkey is newer. */
export const redisOldest = [6, 2] as const;

/** A Redis or Valkey binary that runs on this machine. */
export interface RedisBinary {
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly product: 'Redis' | 'Valkey';
  /** "7.0.15" */
  readonly version: string;
  /** Where it comes from, for messages. */
  readonly origin: string;
  /** Duration of the download; 0 if there was none. */
  readonly downloadMs: number;
}

const probeMs = 10_000;

/** Whether the version, "7.0.15", is new enough for the product. */
export function isNewEnough(product: RedisBinary['product'], version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = redisOldest;
  if (product === 'Valkey') return true;
  return major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
}

/** Queries the binary's version. Rejects with the reason if it does not run or is too old. */
export async function probeRedis(
  keeper: Keeper,
  command: string,
  env: Readonly<Record<string, string>>,
): Promise<Pick<RedisBinary, 'command' | 'env' | 'product' | 'version'>> {
  const spec = { name: command, command, args: ['--version'], env };
  const { tail } = await keeper.run(spec, probeMs);
  const [, name, version] = /(Redis|Valkey) server v=(\d+\.\d+\.\d+)/i.exec(tail) ?? [];
  if (name === undefined || version === undefined) throw new Error(`${command}: ${tail}`);
  const product = name.toLowerCase() === 'valkey' ? 'Valkey' : 'Redis';
  if (isNewEnough(product, version)) return { command, env, product, version };
  throw new Error(
    `${command} is ${product} ${version}; at least ${redisOldest.join('.')} is needed`,
  );
}
