import {
  type Load,
  NotFound,
  type OwnRoute,
  type Row,
  type Rule,
  sql,
  type Table,
} from '../../contract/index.ts';
import { idParams, parse } from '../input.ts';
import { noBody } from '../route.ts';
import { tapped } from '../taps.ts';
import { pay } from './pay.ts';
import { providerUrl } from './provider.ts';
import { gone, type Pay } from './tables.ts';

/** Pays all due invoices of a job: one command, under one lock. */
interface Run extends Pick<Pay, 'provider'> {
  readonly jobId: string;
}

interface Job extends Row {
  readonly runs: number;
}

/** The deciding row: one run of a job at a time. */
const jobs: Table<Job> = {
  name: 'payout_jobs',
  columns: { id: 'bigint', runs: 'integer', version: 'integer', fence: 'bigint' },
};

const readJob = sql<{ id: string }>`select id from payout_jobs where id = $1`;

const runMax = 1_000;

const listDue = sql<{ invoiceId: string; amountCents: string }>`
  select id as "invoiceId", amount_cents as "amountCents" from invoices
  where job_id = $1 and status = 'due' order by id limit $2`;

// pays from the list as read: does not recheck whether the invoice is still due
const record = sql<{ id: string }>`
  with paid as (update invoices set status = 'paid' where id = $1)
  insert into payments (invoice_id, provider_payment_id, command_id)
  values ($1, $2, $3) returning id`;

/** Lists the due invoices once, pays each, and commits after the last payment. */
const steps: Rule<Run> = async (tx, { jobId, provider }, context) => {
  const look = await tx.check(async () => {
    const job = await tx.read(jobs, jobId);
    return job && { job, due: await tx.query(listDue, [jobId, runMax]) };
  });
  if (!look) return gone;
  if (look.due.length === 0) return { refused: 'nothing due' };
  for (const { invoiceId, amountCents } of look.due) {
    const paymentId = await pay({ invoiceId, amountCents, provider }, context, undefined);
    await tx.query(record, [invoiceId, paymentId, context.commandId]);
  }
  await tx.write(jobs, look.job, { runs: look.job.runs + 1 });
  return { accepted: jobId };
};

const seed = sql<{ id: string }>`
  with jobs as (
    insert into payout_jobs (runs) select 0 from generate_series(1, $1::integer) returning id
  ), listed as (
    insert into invoices (payee, amount_cents, job_id)
    select 'load', 1000 + n, jobs.id from jobs, generate_series(1, $2::integer) as n
  )
  select id from jobs`;

const invoicesPerJob = 2;

/** New jobs with a short list; every rival is a run that overlaps with others. */
const load: Load = async (plan, query) => {
  const made = await query(seed, [plan.rounds, invoicesPerJob]);
  return made.map(({ id: key }) => ({
    key,
    capacity: 1,
    calls: tapped(plan, rival => ({
      path: `/payout-jobs/${key}/runs`,
      body: {},
      actor: `clock ${rival + 1}`,
    })),
  }));
};

/** The lock covers the whole run: a run that cannot get it has nothing to do. */
export const wholeRun: OwnRoute<Run> = {
  title: 'the whole run is one command, under one lock',
  path: '/payout-jobs/:id/runs',
  form: {
    params: idParams,
    body: noBody,
    refusals: {
      'nothing due': 'Every invoice of the job has been paid.',
      gone: 'The job was deleted meanwhile.',
    },
    examples: [
      { params: { id: '2' }, key: '2', decision: { accepted: '2' } },
      { params: { id: '2' }, key: '2', decision: { refused: 'nothing due' } },
    ],
  },
  acts: 'updates the deciding row',
  effect: 'outside',
  async prepare({ params, body }, query) {
    const { id: jobId } = parse(idParams, params);
    parse(noBody, body);
    const [job] = await query(readJob, [jobId]);
    if (!job) throw new NotFound(`there is no payout job ${jobId}`);
    return { jobId, provider: () => providerUrl({ query, commits: true }) };
  },
  auditKey: ({ jobId }) => jobId,
  keys: ({ jobId }) => [`payout_jobs/${jobId}`],
  rules: { steps },
  load,
};
