import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { post } from '../http/requests.ts';
import { RunningService, startMaxMs } from '../http/running-service.ts';
import { testServers } from '../servers.ts';

/** A receiver of OTLP over HTTP in JSON: https://opentelemetry.io/docs/specs/otlp/#otlphttp */
const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const otlpSpan = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: z.array(attribute).default([]),
  status: z.object({ code: z.number().optional() }).optional(),
});
const otlp = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(attribute) }),
      scopeSpans: z.array(z.object({ spans: z.array(otlpSpan) })),
    }),
  ),
});
type OtlpSpan = z.infer<typeof otlpSpan>;

const spans: OtlpSpan[] = [];
const services = new Set<unknown>();
let raw = '';
const receiver = createServer(async (request, response) => {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  raw += text;
  for (const { resource, scopeSpans } of otlp.parse(JSON.parse(text)).resourceSpans) {
    for (const { key, value } of resource.attributes)
      if (key === 'service.name') services.add(value.stringValue);
    spans.push(...scopeSpans.flatMap(scope => scope.spans));
  }
  response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
});
receiver.listen(0, '127.0.0.1');
await once(receiver, 'listening');
const { port } = receiver.address() as AddressInfo;
const OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${port}`;

const database = await freshDatabase();
const running: RunningService[] = [];
afterAll(async () => {
  await Promise.all(running.map(service => service.stop()));
  receiver.closeAllConnections();
  receiver.close();
});

function start(environment: Record<string, string>): RunningService {
  const service = new RunningService({
    DATABASE_URL: database.url,
    REDIS_URL: testServers().redisUrl,
    STRATEGY: 'redis-lease',
    ...environment,
  });
  running.push(service);
  return service;
}

const traceId = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const lastsMs = ({ startTimeUnixNano: from, endTimeUnixNano: to }: OtlpSpan): number =>
  Number((BigInt(to) - BigInt(from)) / 1_000_000n);

describe('traces', { timeout: 3 * startMaxMs }, () => {
  test('tell where the time of a contended command went, under the caller’s trace', async () => {
    const service = start({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_SERVICE_NAME: 'booking' });
    const { url } = await service.ready();
    const { body } = await post(`${url}/gift-cards`, { initialCents: 98_765 });
    const id = String(body.id);
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from gift_cards where id = $1 for update', [id]);
    const path = `${url}/gift-cards/${id}/debits`;
    const first = post(path, { amountCents: 43_210 });
    const blocked = `select from pg_stat_activity where wait_event_type = 'Lock' and application_name like 'lockstep%'`;
    await until(
      'the first waits for the row',
      async () => (await holder.query(blocked)).rows.length > 0,
    );
    const second = post(path, { amountCents: 1 }, { headers: { traceparent } });
    const waitedMs = 300;
    await new Promise(resolve => setTimeout(resolve, waitedMs)); // what the spans have to tell of
    await holder.query('rollback');
    await holder.end();
    expect([(await first).status, (await second).status]).toEqual([201, 201]);
    await service.stop(); // what is queued is sent

    const mine = spans.filter(span => span.traceId === traceId);
    const one = (name: string): OtlpSpan => {
      const [found, ...others] = mine.filter(span => span.name === name);
      if (!found || others.length > 0)
        throw new Error(`${name}: ${others.length + (found ? 1 : 0)}`);
      return found;
    };
    const [root, attempt, wait, hold, commit] = [
      one('POST /gift-cards/:id/debits'),
      ...['attempt', 'wait', 'hold', 'commit'].map(one),
    ];
    expect(root?.parentSpanId).toBe('b7ad6b7169203331');
    expect(attempt?.parentSpanId).toBe(root?.spanId);
    for (const part of [wait, hold, commit]) expect(part?.parentSpanId).toBe(attempt?.spanId);
    const statements = mine
      .filter(span => span.parentSpanId === hold?.spanId)
      .map(({ name }) => name);
    expect(statements).toEqual(
      expect.arrayContaining(['begin', 'read gift_cards', 'write gift_cards', 'statement']),
    );
    expect(wait && lastsMs(wait)).toBeGreaterThanOrEqual(waitedMs - 50);
    expect([...services]).toEqual(['booking']);
    expect(mine.filter(({ status }) => status?.code === 2)).toEqual([]);
    expect(root?.attributes).toEqual(
      expect.arrayContaining([
        { key: 'lockstep.strategy', value: { stringValue: 'redis-lease' } },
        { key: 'lockstep.outcome', value: { stringValue: 'accepted' } },
      ]),
    );
    expect(raw).toContain('gift_cards');
    for (const secret of ['98765', '43210', new URL(database.url).password])
      expect(raw).not.toContain(secret);
  });

  test('are off where OTEL_SDK_DISABLED says so, and sampled as OTEL_TRACES_SAMPLER does', async () => {
    spans.length = 0;
    for (const environment of [
      { OTEL_SDK_DISABLED: 'true' },
      { OTEL_TRACES_SAMPLER: 'always_off' },
    ] as Record<string, string>[]) {
      const service = start({ OTEL_EXPORTER_OTLP_ENDPOINT, ...environment });
      const { url } = await service.ready();
      const { body } = await post(`${url}/gift-cards`, { initialCents: 10 });
      const debit = await post(`${url}/gift-cards/${String(body.id)}/debits`, { amountCents: 1 });
      expect(debit.status).toBe(201);
      await service.stop();
    }
    expect(spans).toEqual([]);
  });

  test('never hold up a command or the stop, where the receiver is away', async () => {
    const service = start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
    const { url } = await service.ready();
    const { body } = await post(`${url}/gift-cards`, { initialCents: 10 });
    const debit = await post(`${url}/gift-cards/${String(body.id)}/debits`, { amountCents: 1 });
    expect(debit.status).toBe(201);
    expect(await service.stop()).toBe(0);
    expect(service.lines.join('\n')).toContain('The receiver of traces');
  });

  test('refuse an endpoint that is no URL, at the start', async () => {
    const service = start({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' });
    expect(await service.ended()).toBe(2);
    expect(service.errors).toContain('OTEL_EXPORTER_OTLP_ENDPOINT is invalid; expected a URL');
  });
});
