import { connect, createServer, type Server } from 'node:net';
import { expect, test } from 'vitest';
import { explore } from '../../src/explore/explore.ts';
import { PostgresReplies } from '../../src/explore/wire/postgres-replies.ts';
import { testServers } from '../servers.ts';
import { onePgClient, subject, transaction } from './programs.ts';

const pgUrl = testServers().postgresUrl;
const options = { servers: { pgUrl }, phases: false } as const;
const slot = 'create table slot (id int primary key, n int default 0); insert into slot values (1)';
const nothing = 'select 1 where false';

test('SERIALIZABLE READ ONLY DEFERRABLE waits for a safe snapshot, and is no part of a deadlock', async () => {
  const report = onePgClient(
    transaction('begin isolation level serializable read only deferrable', async query => {
      await query('select n from slot');
    }),
  );
  const writer = onePgClient(
    transaction('begin isolation level serializable', async query => {
      await query('update slot set n = n + 1');
      await query('select n from slot');
    }),
  );
  const found = await explore(subject(slot, nothing, [report, writer]), options);
  expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
  expect(found.orders).toBeGreaterThan(3);
});

/** Postgres keeps its first transaction while the writer's overlaps, and then tells no blockers of the second. */
test('so does a session that has committed a SERIALIZABLE transaction just before', async () => {
  const report = onePgClient(async query => {
    await query('begin isolation level serializable');
    await query('select n from slot');
    await query('commit');
    await query('begin isolation level serializable read only deferrable');
    await query('select n from slot');
    await query('commit');
  });
  const writer = onePgClient(
    transaction('begin isolation level serializable', async query => {
      await query('update slot set n = n + 1');
    }),
  );
  const quick = { ...options, preemptions: 1, stepMs: 3_000 };
  const found = await explore(subject(slot, nothing, [writer, report]), quick);
  expect(found).toMatchObject({ outcome: 'safe', exhausted: true });
});

/** Stands in front of the server as a pooler does, with a process id of its own. */
async function pooler(url: URL): Promise<{ server: Server; port: number }> {
  const server = createServer(client => {
    const upstream = connect(Number(url.port), url.hostname);
    const replies = new PostgresReplies();
    client.pipe(upstream);
    upstream.on('data', chunk => {
      for (const { type, bytes } of replies.push(chunk)) {
        if (type === 'K') bytes.writeInt32BE(1_234_567, 5);
        client.write(bytes);
      }
    });
    for (const one of [client, upstream]) {
      one.on('error', () => one.destroy());
      one.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, port: address.port };
}

test('a pooler in front of Postgres is refused with what to give instead', async () => {
  const url = new URL(pgUrl);
  const { server, port } = await pooler(new URL(pgUrl));
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const found = await explore(subject(slot, nothing, [async () => 'nothing']), {
    ...options,
    servers: { pgUrl: url.href },
  });
  server.close();
  expect(found.outcome).toBe('setup-failed');
  expect(found.why).toMatch(/pooler.*server's own URL/);
});
