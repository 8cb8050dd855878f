import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enclosed } from '../../src/scan/enclosure/enclosed.ts';
import { record } from '../../src/scan/record/record.ts';
import type { Recording } from '../../src/scan/record/recording.ts';
import type { ScanResult } from '../../src/scan/result.ts';
import { type OpenStart, openStart } from '../../src/scan/start.ts';
import { testServers } from '../servers.ts';

/** A real provider: whatever arrives here has cost money. */
let charges = 0;
const provider = createServer((_request, response) => {
  charges++;
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ id: charges }));
});
const service = fileURLToPath(new URL('paying-service.mjs', import.meta.url));
let start: OpenStart;
let url = '';

beforeAll(async () => {
  await new Promise<void>(resolve => provider.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  start = await openStart(serversOf(), {
    setup: 'create table payment (id serial primary key, invoice_id int, charge int)',
  });
});

afterAll(async () => {
  await start.database.drop();
  await new Promise(resolve => provider.close(resolve));
});

function serversOf() {
  return { pgUrl: testServers().postgresUrl, redisUrls: [] };
}

async function recordedPayment(providers: Readonly<Record<string, string>>): Promise<Recording> {
  charges = 0;
  const command: [string, ...string[]] = [process.execPath, service];
  const direct: [string, ...string[]] = ['env', `PROVIDER_URL=${url}`, process.execPath, service];
  return record({
    servers: serversOf(),
    start,
    program: { command: 'PROVIDER_URL' in providers ? command : direct, cwd: process.cwd() },
    port: 0,
    providers,
    drive: async ({ url: base }) => {
      await fetch(`${base}/invoices/1/payments`, { method: 'POST' });
    },
  });
}

async function scanned(recording: Recording, allowHosts: readonly string[]): Promise<ScanResult> {
  const job = {
    recording,
    pgUrl: testServers().postgresUrl,
    redisUrls: [],
    allowHosts,
    start: { template: start.database.name, redis: [] },
    secondsMax: 60,
    preemptions: 1,
    exploreCleared: false,
    whatIf: false,
  };
  return enclosed(job, { folder: process.cwd(), progress: () => {}, note: () => {} });
}

test('a replay charges nobody: the connection is refused and named, and nothing is judged', async () => {
  const recording = await recordedPayment({});
  expect(charges).toBe(1);
  const { pairs, outside } = await scanned(recording, []);
  expect(charges).toBe(1);
  expect(outside).toEqual([new URL(url).host]);
  expect(pairs.map(({ verdict, why }) => [verdict, why])).toEqual([
    ['not reproduced', expect.stringContaining('answered 502, and 201 when it was recorded')],
  ]);
});

test('with the answers of the recording the pair is judged, and still charges nobody', async () => {
  const recording = await recordedPayment({ PROVIDER_URL: url });
  expect(charges).toBe(1);
  const { pairs } = await scanned(recording, []);
  expect(charges).toBe(1);
  expect(pairs.map(({ verdict }) => verdict)).toEqual(['differs']);
});

test('a host that somebody has opened is reached, and charges', async () => {
  const recording = await recordedPayment({});
  const { pairs } = await scanned(recording, [new URL(url).host]);
  expect(charges).toBeGreaterThan(1);
  expect(pairs.map(({ verdict }) => verdict)).toEqual(['differs']);
});
