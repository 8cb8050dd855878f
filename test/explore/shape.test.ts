import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { shapeOf } from '../../src/explore/gate/lane.ts';

test('what a program makes up anew in each run is masked', () => {
  const tokens = ['v4VPy23v-zj4', 'o2azYzpDiUML', randomBytes(16).toString('hex')];
  for (const token of tokens) expect(shapeOf(`GET lock:${token}`)).toBe('GET lock:?');
  expect(shapeOf("where id = 41 and name = 'Ada'")).toBe('where id = ? and name = ?');
});

test('random base64 of a usual length is masked, whatever it is', () => {
  const masked = Array.from({ length: 2_000 }, () => randomBytes(18).toString('base64url')).filter(
    token => shapeOf(token) === '?',
  );
  expect(masked.length).toBeGreaterThan(1_990);
});

test('names keep their shape', () => {
  const names =
    'select "AppointmentRequests"."therapistsNeeded", order_items_2024.id, pg_advisory_xact_lock_shared from sha256_of_upload';
  expect(shapeOf(names)).toBe(names);
});
