import type { Fault } from '../fault.ts';

/** A primary that was demoted, or a failover that is not over: reads succeed, writes are refused. */
export default {
  title: 'Postgres accepts no writes (default_transaction_read_only)',
  strikes: 'postgres',
  events: [],
  harm: 'outage',
  control: 'no protection',
  phases: ['commit sent', 'holding', 'written'],
  needs: [],
  lastsMs: ({ leaseMs }) => 1.5 * leaseMs,
  leastMs: ({ leaseMs }) => leaseMs,
  async inject({ sql }) {
    await sql('alter system set default_transaction_read_only = on');
    await sql('select pg_reload_conf()');
  },
  async heal({ sql }) {
    await sql('alter system reset default_transaction_read_only');
    await sql('select pg_reload_conf()');
  },
} satisfies Fault;
