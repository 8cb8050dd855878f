import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject } from './programs.ts';

/** A payment provider that remembers what it was asked to pay, and by which key. */
const paid: string[] = [];
let provider: Server;
let providerUrl = '';

beforeAll(async () => {
  provider = createServer((incoming, outgoing) => {
    const key = String(incoming.headers['idempotency-key'] ?? `call ${paid.length + 1}`);
    if (!paid.includes(key)) paid.push(key);
    outgoing.end(JSON.stringify({ paid: paid.length }));
  });
  await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve));
  const address = provider.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  providerUrl = `http://127.0.0.1:${address.port}/`;
});

afterAll(() => new Promise(resolve => provider.close(resolve)));

const setup =
  'create table invoice (id int primary key, paid boolean); insert into invoice values (7, false)';

function pays(key: string | undefined): ActorFunction {
  return async urls => {
    const headers: Record<string, string> = key === undefined ? {} : { 'idempotency-key': key };
    await onePgClient(async query => {
      const [invoice] = await query('select paid from invoice where id = 7');
      if (invoice?.paid === true) return;
      const answer = await fetch(`${urls.httpUrls[0]}payments`, { method: 'POST', headers });
      await answer.json();
      await query('update invoice set paid = true where id = 7');
    })(urls);
  };
}

function paysOnce(actor: ActorFunction) {
  return {
    ...subject(setup, 'select 1 where false', [actor, actor]),
    check: () => {
      const payments = paid.splice(0).length;
      return payments === 1 ? [] : [`${payments} payments at the provider`];
    },
  };
}

describe('calls to another service', () => {
  test('are steps: both callers pay when they looked before either paid', async () => {
    const servers = { pgUrl: testServers().postgresUrl, httpUrls: [providerUrl] };
    const found = await explore(paysOnce(pays(undefined)), { servers, phases: false });
    expect(found.outcome).toBe('unsafe');
    expect(found.counterexample?.record.violations).toEqual(['2 payments at the provider']);
    const labels = found.counterexample?.record.lines.map(line => line.label);
    expect(labels?.filter(label => label === 'POST /payments')).toHaveLength(2);
  });

  test('an idempotency key pays once in every order', async () => {
    const servers = { pgUrl: testServers().postgresUrl, httpUrls: [providerUrl] };
    const found = await explore(paysOnce(pays('invoice 7')), {
      servers,
      phases: false,
      preemptions: 'unbounded',
      reduce: false,
    });
    expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
    expect(found.orders).toBeGreaterThan(10);
  });
});
