import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredStrategy } from '../../src/engine/registry.ts';
import { type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { realTime } from '../fixtures/real-time.ts';
import { callRoute, idOf, serveOne } from './commands.ts';
import { found, openPayout } from './payout-payments.ts';

/** The incident itself: a run begins while the one before still goes through its list. */
const payout = await openPayout();
const registry = await loadRegistry();

function strategyNamed(name: string): RegisteredStrategy['declared'] {
  const strategy = registry.strategies.get(name);
  if (!strategy) throw new Error(`there is no strategy ${name}`);
  return strategy.declared;
}

const newJob = async (): Promise<string> => {
  const invoices = ['Ada', 'Ben'].map(payee => ({ payee, amountCents: 4_200 }));
  const made = await callRoute(payout().open, payout().scenario, 'post', '/payout-jobs', {
    body: { invoices },
  });
  return idOf(made);
};

function run(id: string, strategy: string, open: OpenEngine = payout().open): Promise<Outcome> {
  const { scenario } = payout();
  return serveOne(open, {
    scenario,
    variant: 'whole-run',
    strategy: strategyNamed(strategy),
    commandId: randomUUID(),
    input: { params: { id }, body: {} },
  });
}

const payments = (jobId: string): Promise<unknown> =>
  payout().session.value(`
    select count(*)::integer from payment_provider.payments s
    join invoices i on i.id = s.invoice_id where i.job_id = ${jobId}`);

/** The second run begins when the first has paid one invoice of two, and ends before it goes on. */
async function inTheMiddle(strategy: string, open?: OpenEngine) {
  const jobId = await newJob();
  let second: Outcome | undefined;
  payout().line.afterPayment(1, async () => {
    second = await run(jobId, strategy, open);
  });
  const first = await run(jobId, strategy, open);
  return { jobId, first, second };
}

describe('the next run begins before the first has ended', () => {
  test('without a lock it pays what is on both lists twice', async () => {
    const { jobId, first, second } = await inTheMiddle('unprotected');
    expect([first.kind, second?.kind]).toEqual(['accepted', 'accepted']);
    expect(await payments(jobId)).toBe(4);
    expect(await found(payout(), [jobId])).toContain(
      'duplicate: the provider paid one invoice 2 times',
    );
  });

  test('where the lock is only tried for, it ends at once and leaves all to the first', async () => {
    const { jobId, first, second } = await inTheMiddle('advisory-try');
    expect([first.kind, second?.kind]).toEqual(['accepted', 'busy']);
    expect(await payments(jobId)).toBe(2);
    expect(await found(payout(), [jobId])).toEqual([]);
  });

  test('where it waits for the lock, it finds nothing due', async () => {
    const jobId = await newJob();
    let second: Promise<Outcome> | undefined;
    payout().line.afterPayment(1, async () => {
      second = run(jobId, 'row-lock');
    });
    expect((await run(jobId, 'row-lock')).kind).toBe('accepted');
    expect(await second).toMatchObject({ kind: 'refused', detail: 'nothing due' });
    expect(await payments(jobId)).toBe(2);
    expect(await found(payout(), [jobId])).toEqual([]);
  });

  test('shorter-lease-than-the-run: the incident again', realTime, async () => {
    const short = openEngine(payout().urls, { leaseMs: 1_500, extendLease: false });
    try {
      const { jobId, second } = await inTheMiddle('redis-lease', short);
      expect(second?.kind).toBe('accepted');
      expect(await payments(jobId)).toBe(3); // the first learns of the loss before its second
      expect(await found(payout(), [jobId])).toContain(
        'duplicate: the provider paid one invoice 2 times',
      );
    } finally {
      await short.close();
    }
  });
});

test('a run that was refused while its list was open is found by the audit', async () => {
  const jobId = await newJob();
  expect(await found(payout(), [jobId], { refusedKeys: [jobId] })).toContain(
    'false refusal: a caller was refused though the invoice is due',
  );
});
