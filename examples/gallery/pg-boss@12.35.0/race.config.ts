import { getConstructionPlans, PgBoss } from 'pg-boss';
import { race } from '../../../src/explore/race.ts';

/** A worker that takes one job, does it, and says so. */
async function work({ pgUrl }: { readonly pgUrl: string }): Promise<number> {
  const quiet = { supervise: false, schedule: false, migrate: false, max: 1 };
  const boss = new PgBoss({ connectionString: pgUrl, ...quiet });
  await boss.start();
  const jobs = await boss.fetch('payout');
  for (const { id } of jobs) await boss.complete('payout', id);
  await boss.stop({ graceful: false });
  return jobs.length;
}

export default race({
  title: 'two workers and one job',
  setup: `
    ${getConstructionPlans('pgboss')};
    select pgboss.create_queue('payout', '{"policy":"standard"}');
    insert into pgboss.job (name) values ('payout')`,
  audit: "select id, state from pgboss.job where name = 'payout' and state <> 'completed'",
  check: ends => {
    const taken = ends.map(end => (end?.kind === 'returned' ? Number(end.value) : 0));
    return taken.reduce((sum, jobs) => sum + jobs) === 1
      ? []
      : [`taken ${taken.join(' + ')} times`];
  },
  actors: { 'first worker': work, 'second worker': work },
});

export const note =
  'One job in one queue; maintenance and scheduling are switched off. Its makers ask for Node 22.12; this ran on Node 20.';
