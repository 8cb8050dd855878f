import { readFileSync } from 'node:fs';
import type { Config } from '../config.ts';
import { refusalsMax } from './connection-limit.ts';

/** Where the system does not tell how many files a process may open. */
const usualMax = 10_000;
/** Fewer are no service. */
const connectionsMin = 8;
/** What Node needs for itself, with its listeners and its pipe to the primary; measured: 27. */
const ownFiles = 40;

/** How many files this process and each that it starts may open; infinite where nobody tells. */
export function openFilesMax(): number {
  const limits = textOf('/proc/self/limits');
  // Node has raised the soft limit to the hard one when it started
  const [, soft] = /^Max open files +(\d+|unlimited)/m.exec(limits) ?? [];
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

/** Files that a process needs besides its HTTP connections: its pools, its Redis clients, itself. */
export function filesBesides(config: Config): number {
  const { connectionsMax, lockConnectionsMax, redisUrl, redisNodeUrls } = config;
  const pools = 2 * connectionsMax + lockConnectionsMax + 5; // two stores; probes and audits
  const redis = 2 * ((redisUrl === undefined ? 0 : 1) + redisNodeUrls.length);
  return ownFiles + pools + redis + 2 * refusalsMax;
}

/** HTTP connections that a process may have open: as configured, else what its files allow. */
export function httpConnectionsMax(config: Config, filesMax = openFilesMax()): number {
  const allowed = Math.max(connectionsMin, filesMax - filesBesides(config));
  return config.httpConnectionsMax ?? (Number.isFinite(allowed) ? allowed : usualMax);
}

/** Why the process would run out of files; undefined where it will not. */
export function openFilesProblem(config: Config, filesMax = openFilesMax()): string | undefined {
  const needed = filesBesides(config) + (config.httpConnectionsMax ?? connectionsMin);
  if (needed <= filesMax) return undefined;
  const wanted =
    config.httpConnectionsMax === undefined
      ? `${connectionsMin} HTTP connections`
      : `HTTP_CONNECTIONS=${config.httpConnectionsMax}`;
  return (
    `A process may open ${filesMax} files here, but ${wanted} and its pools need ${needed}: raise the ` +
    'limit (ulimit -n), or lower HTTP_CONNECTIONS, DATABASE_CONNECTIONS or LOCK_CONNECTIONS'
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
