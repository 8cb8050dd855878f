import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readRequests } from '../../src/scan/record/requests-file.ts';

const folder = await mkdtemp(join(tmpdir(), 'lockstep-requests-'));
afterAll(() => rm(folder, { recursive: true }));

test('operations of an OpenAPI document that make no request are told', async () => {
  const file = join(folder, 'openapi.json');
  const slot = { name: 'id', in: 'path' };
  const paths = {
    '/slots': { get: {}, summary: 'Slots' },
    '/slots/{id}': {
      get: { parameters: [{ ...slot, example: 7 }] },
      delete: { parameters: [slot] },
    },
    '/bookings': { post: { requestBody: { content: { 'application/json': {} } } } },
  };
  await writeFile(file, JSON.stringify({ openapi: '3.1.0', paths }));
  const missing: string[] = [];
  const requests = await readRequests(file, one => missing.push(one));
  expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /slots',
    'GET /slots/7',
  ]);
  expect(missing).toEqual([
    'DELETE /slots/{id} of the OpenAPI document has no examples',
    'POST /bookings of the OpenAPI document has no examples',
  ]);
});
