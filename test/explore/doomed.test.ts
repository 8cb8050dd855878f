/** A backend that was told to end may answer once more, and even be idle: nobody else gets it. */
import pg from 'pg';
import { expect, test } from 'vitest';
import type { Lane } from '../../src/explore/gate/lane.ts';
import { WarmBackends } from '../../src/explore/gate/postgres-backend.ts';
import { openPostgresGate } from '../../src/explore/gate/postgres-port.ts';
import { Routines } from '../../src/explore/gate/routines.ts';
import { until } from '../fixtures/gate.ts';
import { testServers } from '../servers.ts';

/** The backends of two clients, one after the other. */
async function backendsOf(between: (lane: Lane) => void): Promise<(number | undefined)[]> {
  const url = new URL(testServers().postgresUrl);
  const login = { user: url.username, password: url.password, database: url.pathname.slice(1) };
  const upstream = { host: url.hostname, port: Number(url.port) };
  const warm = new WarmBackends(upstream, login);
  const lanes: Lane[] = [];
  const gate = await openPostgresGate(
    'A',
    { upstream, warm, routines: new Routines() },
    {
      activity: () => undefined,
      failed: error => expect.unreachable(error.message),
      opened: lane => lanes.push(lane),
    },
  );
  url.port = String(gate.port);
  try {
    for (const turn of [0, 1]) {
      const client = new pg.Client(url.href);
      await client.connect();
      const lane = lanes[turn];
      if (lane === undefined) throw new Error('no lane was opened');
      if (turn === 0) between(lane);
      await client.end();
      await until('the lane is closed', () => lane.closed);
    }
    return lanes.map(lane => lane.pid);
  } finally {
    warm.close();
    await gate.close();
  }
}

test('the next client takes over a backend that its client has left', async () => {
  const [first, second] = await backendsOf(() => undefined);
  expect(second).toBe(first);
});

test('but none that has been told to end', async () => {
  const [first, second] = await backendsOf(lane => lane.doom());
  expect(second).not.toBe(first);
});
