import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { shapeOf } from '../../src/explore/gate/lane.ts';

test('what a program makes up anew in each run is masked', () => {
  const tokens = ['v4VPy23v-zj4', 'o2azYzpDiUML', randomBytes(16).toString('hex')];
  for (const token of tokens) expect(shapeOf(`GET lock:${token}`)).toBe('GET lock:?');
  expect(shapeOf("where id = 41 and name = 'Ada'")).toBe('where id = ? and name = ?');
});

test('random base64 of usual lengths is masked but for a few in a thousand', () => {
  for (const bytes of [15, 16, 18, 24])
    for (const alphabet of ['base64', 'base64url'] as const) {
      const tokens = Array.from({ length: 2_000 }, (_, at) =>
        createHash('sha256')
          .update(`${bytes} ${at}`)
          .digest()
          .subarray(0, bytes)
          .toString(alphabet),
      );
      expect(tokens.filter(token => shapeOf(token) !== '?').length).toBeLessThan(8);
    }
});

test('names keep their shape', () => {
  const names =
    'select "AppointmentRequests"."therapistsNeeded", order_items_2024.id, pg_advisory_xact_lock_shared from sha256_of_upload';
  expect(shapeOf(names)).toBe(names);
});
