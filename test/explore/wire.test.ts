import { describe, expect, test } from 'vitest';
import { errorFields, PostgresReplies, summary } from '../../src/explore/wire/postgres-replies.ts';
import { PostgresRequests } from '../../src/explore/wire/postgres-requests.ts';
import { UnsupportedWire } from '../../src/explore/wire/postgres-unit.ts';
import { RespReplies, RespRequests } from '../../src/explore/wire/resp.ts';

function message(type: string, ...parts: (string | Buffer)[]): Buffer {
  const body = Buffer.concat(parts.map(part => Buffer.from(part)));
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

function untyped(code: number, rest = ''): Buffer {
  const bytes = Buffer.alloc(8 + rest.length);
  bytes.writeInt32BE(bytes.length, 0);
  bytes.writeInt32BE(code, 4);
  bytes.write(rest, 8);
  return bytes;
}

const startup = untyped(196608, 'user\0me\0\0');
const parse = message('P', 's1\0select 1\0', Buffer.alloc(2));
const bind = message('B', '\0s1\0', Buffer.alloc(6));
const execute = message('E', '\0', Buffer.alloc(4));
const sync = message('S');

describe('Postgres requests', () => {
  test('encryption requests come before the start-up packet, and each is told apart', () => {
    const bytes = Buffer.concat([untyped(80877104), untyped(80877103), startup]);
    const kinds = new PostgresRequests().push(bytes).map(request => request.kind);
    expect(kinds).toEqual(['encryption', 'encryption', 'startup']);
  });

  test('an extended cycle is one unit, however the bytes are cut', () => {
    const bytes = Buffer.concat([startup, parse, bind, execute, sync, bind, execute, sync]);
    const requests = new PostgresRequests();
    const units = [...bytes].flatMap(byte => requests.push(Buffer.from([byte]))).slice(1);
    expect(units).toMatchObject([
      { kind: 'unit', texts: ['select 1'], executes: true, ends: 'ready' },
      { kind: 'unit', texts: ['select 1'], executes: true, ends: 'ready' },
    ]);
  });

  test('Parse and Describe before a Flush are metadata with three answers', () => {
    const describeStatement = message('D', 'Ss1\0');
    const bytes = Buffer.concat([startup, parse, describeStatement, message('H')]);
    const [, unit] = new PostgresRequests().push(bytes);
    expect(unit).toMatchObject({ kind: 'unit', executes: false, ends: 'flush', replies: 3 });
  });

  test('direct TLS is refused with what to change', () => {
    expect(() => new PostgresRequests().push(Buffer.from([0x16, 3, 1]))).toThrow(/sslmode=disable/);
  });

  test('a message longer than a gate holds is refused, not awaited', () => {
    const requests = new PostgresRequests();
    requests.push(startup);
    const huge = Buffer.from([0x51, 0x7f, 0xff, 0xff, 0xff]);
    expect(() => requests.push(huge)).toThrow(UnsupportedWire);
  });

  test('a protocol 3.2 cancel request carries a key of any length', () => {
    const bytes = untyped(80877102, 'x'.repeat(36));
    expect(new PostgresRequests().push(bytes)).toMatchObject([{ kind: 'cancel', bytes }]);
  });
});

describe('Postgres replies', () => {
  test('a single row is shown with its values, and an error with its SQLSTATE', () => {
    const row = message('D', Buffer.from([0, 2, 0, 0, 0, 1, 0x37, 0xff, 0xff, 0xff, 0xff]));
    const failed = message('E', 'SERROR\0C40001\0Mno\0\0');
    const bytes = Buffer.concat([row, message('C', 'SELECT 1\0'), failed]);
    const messages = new PostgresReplies().push(bytes);
    expect(summary(messages)).toBe('(7, null); error 40001');
    const [, , error] = messages;
    expect(error && errorFields(error).get('M')).toBe('no');
  });
});

describe('Redis frames', () => {
  test('a pipeline is split into its commands', () => {
    const bytes = Buffer.from('*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING x\r\n');
    const words = new RespRequests().push(bytes).map(request => request.words);
    expect(words).toEqual([['PING'], ['GET', 'a'], ['PING', 'x']]);
  });

  test('nested replies, pushes and attributes end where they end, byte by byte', () => {
    const text =
      '|1\r\n+ttl\r\n:1\r\n*2\r\n:1\r\n$-1\r\n>2\r\n+message\r\n+x\r\n%1\r\n+a\r\n,1.5\r\n-ERR no\r\n';
    const replies = new RespReplies();
    const frames = [...Buffer.from(text)].flatMap(byte => replies.push(Buffer.from([byte])));
    expect(frames.map(frame => frame.value)).toEqual([
      [1, null],
      ['message', 'x'],
      ['a', '1.5'],
      { error: 'ERR no' },
    ]);
    expect(frames.map(frame => frame.push)).toEqual([false, true, false, false]);
  });

  test('what is no Redis is said so', () => {
    expect(() => new RespReplies().push(Buffer.from('HTTP/1.1 400\r\n'))).toThrow(/Redis server/);
  });
});
