import type { Fault } from '../fault.ts';
import { serviceRole } from '../run-role.ts';

/** Others took what there was while connections were made anew: none can be opened, and none is left. */
export default {
  title: 'Postgres has no connection left for the service (53300), which loses those that it had',
  strikes: 'postgres',
  events: [],
  harm: 'outage',
  control: 'no protection',
  phases: ['commit sent', 'holding', 'written', 'commit applied'],
  needs: [],
  lastsMs: ({ leaseMs }) => leaseMs,
  leastMs: ({ leaseMs }) => 0.8 * leaseMs,
  async inject({ sql, backends }) {
    const held = backends.flatMap(({ work, locks }) => [work, locks]);
    await sql(`alter role ${serviceRole} connection limit 0`);
    await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where usename = $1 and pid <> all ($2::integer[])`,
      [serviceRole, `{${held.filter(pid => pid !== undefined).join()}}`],
    );
  },
  async heal({ sql }) {
    await sql(`alter role ${serviceRole} connection limit -1`);
  },
} satisfies Fault;
