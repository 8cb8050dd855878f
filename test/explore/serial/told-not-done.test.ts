import { expect, test } from 'vitest';
import type { ActorEnd } from '../../../src/explore/run/actor.ts';
import type { TraceLine } from '../../../src/explore/run/trace.ts';
import { notDone, notDoneAmong } from '../../../src/explore/serial/told-not-done.ts';

function line(store: string, label: string, result: string, actor?: number): TraceLine {
  return { token: 'A', actor, store, label, result, answeredAfter: 1 };
}

function http(status: number, body = ''): ActorEnd {
  return { kind: 'returned', value: { status, body } };
}

test.each([
  [http(503, 'retry later'), 'told'],
  [http(429), 'told'],
  [http(423), 'told'],
  [http(201, '{"state":"busy"}'), undefined],
  [http(500, 'oops'), undefined],
  [http(500, 'could not serialize: 40001'), 'retry'],
  [{ kind: 'threw', message: '23505: duplicate key' }, 'retry'],
  [{ kind: 'threw', message: 'no such slot' }, undefined],
  [{ kind: 'returned', value: 'busy' }, 'told'],
  [{ kind: 'returned', value: 'booked' }, undefined],
  [{ kind: 'crashed' }, 'unknown'],
] as const)('%j says %s', (end, said) => {
  expect(notDone(end, [], [])).toBe(said);
});

const conflicts = [
  http(409, '{"error":"conflict"}'),
  http(412),
  http(400, 'not available'),
  { kind: 'returned', value: 'conflict' },
] as const;

test.each(conflicts)('%j is a rule of the business where nothing shows that it gave way', end => {
  const seen = [
    line('postgres', 'select count(*) from booking', '(1)'),
    line('postgres', 'update slot set held = true where id = 1', 'UPDATE 1'),
    line('redis', 'set lock:1 x NX', '"OK"'),
    line('redis', 'get lock:1', 'null'),
  ];
  expect(notDone(end, seen, [])).toBeUndefined();
});

test.each([
  line('postgres', 'update slot set version = 2 where version = 1', 'UPDATE 0'),
  line('postgres', 'insert into seat values (1) on conflict do nothing', 'INSERT 0 0'),
  line('postgres', 'insert into seat values (1)', 'snapshot taken → error 23505'),
  line('postgres', 'select 1 from slot for update nowait', 'error 55P03'),
  line('postgres', 'commit', 'error 40001'),
  line('postgres', 'select pg_try_advisory_xact_lock(7)', '(f)'),
  line('postgres', 'select id from job for update skip locked', '0 rows'),
  line('redis', 'set lock:1 x PX 1000 NX', 'null'),
  line('redis', 'setnx lock:1 x', '0'),
  line('redis', 'exec', 'null'),
])('a conflict behind $label → $result counts as not done', seen => {
  expect(conflicts.map(end => notDone(end, [seen], []))).toEqual(['told', 'told', 'told', 'told']);
});

test('a failure behind an error of Postgres that asks for a retry is one, whatever the service says', () => {
  const oops = http(500, 'oops');
  expect(notDone(oops, [line('postgres', 'commit', 'error 40001')], [])).toBe('retry');
  expect(notDone(oops, [line('postgres', 'commit', '1 row')], [])).toBeUndefined();
  expect(notDone({ kind: 'threw', message: 'sold out' }, [], ['sold out'])).toBe('told');
});

test('an event leaves open only what its own caller was told', () => {
  const lost = [line('event', 'lost-reply', 'reply lost: commit', 0)];
  expect(notDoneAmong(0, http(201, 'booked'), lost, [])).toBe('unknown');
  expect(notDoneAmong(1, http(201, 'booked'), lost, [])).toBeUndefined();
  expect(notDoneAmong(1, http(503), lost, [])).toBe('told');
});

test('an event that takes no answer leaves open only what a caller is told who fails', () => {
  for (const events of [
    [line('event', 'lease-expires', 'lock:1 expired')],
    [line('event', 'pause', 'stopped for 9 ms', 0)],
  ]) {
    expect(notDoneAmong(0, http(201, 'booked'), events, [])).toBeUndefined();
    expect(notDoneAmong(0, http(500, 'lease lost'), events, [])).toBe('unknown');
  }
});
