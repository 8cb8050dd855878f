import type { Config } from '../config.ts';
import type { Meter } from '../telemetry/prometheus.ts';

/** What is open, and who waits. */
interface Loads {
  readonly http?: { readonly open: number; readonly max: number };
  readonly work: { readonly open: number; readonly idle: number; readonly waiting: number };
  readonly locks: {
    readonly open: { readonly totalCount: number; readonly idleCount: number };
    readonly waiting: number;
  };
  /** Once the ORM is in use. */
  readonly orm?: { readonly busy: number; readonly waiting: number };
}

/** Sets the gauges of connections, right before they are read. */
export function showPools(
  meter: Meter,
  config: Pick<Config, 'connectionsMax' | 'lockConnectionsMax'>,
  { http, work, locks, orm }: Loads,
): void {
  if (http) {
    meter.set('lockstep_http_connections', {}, http.open);
    meter.set('lockstep_http_connections_max', {}, http.max);
  }
  const { totalCount, idleCount } = locks.open;
  const pools = [
    {
      ...{ pool: 'work', busy: work.open - work.idle, idle: work.idle },
      ...{ waiting: work.waiting, max: config.connectionsMax },
    },
    {
      ...{ pool: 'locks', busy: totalCount - idleCount, idle: idleCount },
      ...{ waiting: locks.waiting, max: config.lockConnectionsMax },
    },
    ...(orm ? [{ pool: 'sequelize', idle: 0, max: config.connectionsMax, ...orm }] : []),
  ];
  for (const { pool, ...counts } of pools) {
    meter.set('lockstep_pool_connections', { pool, state: 'busy' }, counts.busy);
    meter.set('lockstep_pool_connections', { pool, state: 'idle' }, counts.idle);
    meter.set('lockstep_pool_waiting', { pool }, counts.waiting);
    meter.set('lockstep_pool_connections_max', { pool }, counts.max);
  }
}
