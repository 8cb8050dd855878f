import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Outcome } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredScenario } from '../../src/engine/registry.ts';
import { openProvider, ownBooks, type Provider } from '../../src/scenarios/payout/provider.ts';
import { type EngineUrls, type OpenEngine, openEngine } from '../fixtures/engines.ts';
import { scenarioDatabase } from '../fixtures/scenario-database.ts';
import { Session } from '../fixtures/session.ts';
import {
  auditOf,
  type Claimed,
  callRoute,
  idOf,
  scenarioNamed,
  serveOne,
  worded,
} from './commands.ts';
import { ProviderLine } from './provider-line.ts';

/** An engine, a provider and the line between them. */
export interface Payout {
  /** For further engines. */
  readonly urls: EngineUrls;
  readonly open: OpenEngine;
  readonly scenario: RegisteredScenario;
  readonly provider: Provider;
  readonly line: ProviderLine;
  /** A session to look and plant with. */
  readonly session: Session;
}

export const rowLock = worded('steps', { guard: ['lock row'] });

/** Opens it before the tests of the file, at its top level; the returned function gives it to them. */
export async function openPayout(): Promise<() => Payout> {
  const registry = await loadRegistry();
  const urls = await scenarioDatabase(registry);
  const scenario = scenarioNamed(registry, 'payout');
  const before = process.env.PROVIDER_URL;
  const books = ownBooks(urls.databaseUrl);
  let opened: Payout | undefined;
  const payout = (): Payout => {
    if (!opened) throw new Error('payout is not open yet');
    return opened;
  };
  beforeAll(async () => {
    const provider = await openProvider(books);
    const line = await ProviderLine.open(provider.url);
    process.env.PROVIDER_URL = line.url;
    const session = await Session.open(urls.databaseUrl);
    opened = { urls, open: openEngine(urls), scenario, provider, line, session };
  });
  beforeEach(() => payout().line.reset());
  afterAll(async () => {
    if (before === undefined) delete process.env.PROVIDER_URL;
    else process.env.PROVIDER_URL = before;
    const { open, line, provider, session } = payout();
    await Promise.all([open, line, provider, session, books].map(one => one.close()));
  });
  return payout;
}

export async function newInvoice({ open, scenario }: Payout, payee = 'Ada'): Promise<string> {
  const body = { payee, amountCents: 4_200 };
  return idOf(await callRoute(open, scenario, 'post', '/invoices', { body }));
}

export function pay(
  { open, scenario }: Payout,
  id: string,
  variant = 'plain',
  strategy = rowLock,
  commandId: string = randomUUID(),
): Promise<Outcome> {
  const input = { params: { id }, body: {} };
  return serveOne(open, { scenario, variant, strategy, commandId, input });
}

/** How often the provider has paid the invoice. */
export const paidTimes = ({ session }: Payout, id: string): Promise<unknown> =>
  session.value(`select count(*)::integer from payment_provider.payments where invoice_id = ${id}`);

/** The audit's findings as text. */
export async function found(
  { open, scenario }: Payout,
  ids: readonly string[],
  claimed?: Claimed,
): Promise<string[]> {
  const violations = await auditOf(open, scenario, ids, claimed);
  return violations.map(({ kind, detail }) => `${kind}: ${detail}`);
}
