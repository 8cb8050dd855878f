import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { freshDatabase } from '../database.ts';
import { TcpProxy } from '../fixtures/tcp-proxy.ts';

const { url } = await freshDatabase();
const proxy = await TcpProxy.open(url);
afterAll(() => proxy.close());

const program = fileURLToPath(new URL('fatal-process.ts', import.meta.url));

/** As Postgres sends it to a session that an operator ends: 57P01. */
const fatal = message([
  'SFATAL',
  'VFATAL',
  'C57P01',
  'Mterminating connection due to administrator command',
]);
const authenticationOk = Buffer.from('R\0\0\0\b\0\0\0\0');
const readyForQuery = Buffer.from('Z\0\0\0\u0005I');

function message(fields: readonly string[]): Buffer {
  const body = Buffer.from(`${fields.map(field => `${field}\0`).join('')}\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const cases = [
  { store: 'postgres', connection: 2 },
  { store: 'sequelize', connection: 1 },
  { store: 'sequelize', connection: 2 },
  { store: 'sequelize statement', connection: 2 },
  { store: 'session locks', connection: 2 },
  { store: 'migrations', connection: 1 },
];

test.each(cases)(
  'fatal-with-ready: $store: session $connection, ended as it begins, costs one command and not the process',
  async ({ store, connection }) => {
    let begun = 0;
    proxy.onReply = chunk => {
      const begins = chunk.includes(authenticationOk) && chunk.includes(readyForQuery);
      if (!begins || ++begun !== connection) return chunk;
      return Buffer.concat([chunk, fatal]);
    };
    const args = ['--import', 'tsx', program, store, proxy.url];
    const child = spawn(process.execPath, args, { timeout: 60_000 });
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
    expect(err).not.toContain('Unhandled');
    const [first = [], second = [], third] = out.split('\n').map(line => line.split(' '));
    const lost = [...first, ...second].filter(end => end !== 'done');
    expect([[], ['failed'], ['connection-lost']]).toContainEqual(lost);
    expect(third).toEqual(['done', 'done']);
    expect(begun).toBeGreaterThanOrEqual(connection);
  },
);
