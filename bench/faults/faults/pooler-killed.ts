import { type PgBouncer, startPgBouncer } from '../../lab/pgbouncer.ts';
import type { Fault } from '../fault.ts';
import { pgBouncerNeed, pgBouncerProgram } from '../needs.ts';
import { replaceService } from '../replace.ts';
import type { Lab } from '../stage.ts';

const poolSize = 40; // nobody waits for a connection of another
const poolers = new WeakMap<Lab, PgBouncer>();

/** Whoever holds no session may share connections: every transaction meets another one. */
export default {
  title:
    'PgBouncer in transaction mode, behind which the service runs, is killed and started again',
  strikes: 'postgres',
  events: [],
  harm: 'outage',
  control: 'no protection',
  phases: ['commit sent', 'commit applied', 'written', 'holding'],
  needs: [pgBouncerNeed],
  spares: ({ adoption }) =>
    adoption.poolerSafe ? undefined : 'it holds a session lock: behind a pooler it is refused',
  lastsMs: ({ leaseMs }) => 0.6 * leaseMs,
  async surroundings(lab) {
    const program = await pgBouncerProgram();
    if (program === undefined) throw new Error('PgBouncer is gone');
    const { keeper, databaseUrl, wire, service } = lab;
    const pooler = await startPgBouncer(keeper, { program, databaseUrl, poolSize });
    poolers.set(lab, pooler);
    wire.lead(pooler.url);
    await replaceService(service, { DATABASE_POOLER: 'transaction' });
    return {
      async close() {
        wire.lead(databaseUrl);
        await replaceService(service);
        await pooler.stop();
      },
    };
  },
  async inject({ lab, pause, times }) {
    const pooler = poolers.get(lab);
    await pooler?.kill();
    await pause(times.leaseMs / 2);
    await pooler?.start();
  },
  async heal() {},
} satisfies Fault;
