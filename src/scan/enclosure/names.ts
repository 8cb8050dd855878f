import { createSocket } from 'node:dgram';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const dnsPort = 53;
const namesMax = 1_000;
const headerBytes = 12;
const typeA = 1;

/** Answers every question for a host: `known` ones with their address, others with "no such host". */
export async function openNames(
  known: ReadonlyMap<string, string>,
  asked: (host: string) => void,
): Promise<() => void> {
  const socket = createSocket('udp4');
  socket.on('error', () => undefined);
  socket.on('message', (query, from) => {
    const question = questionOf(query);
    if (question === undefined) return;
    const address = known.get(question.host);
    if (address === undefined) asked(question.host);
    const reply = answerTo(query, question, address);
    socket.send(reply, from.port, from.address, () => undefined);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(dnsPort, '127.0.0.1', resolve);
  });
  return () => socket.close();
}

interface Question {
  readonly host: string;
  readonly type: number;
  /** Where the question ends. */
  readonly end: number;
}

/** Source: RFC 1035, 4.1. */
function questionOf(query: Buffer): Question | undefined {
  const labels: string[] = [];
  let at = headerBytes;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > 63 || at + length + 5 > query.length + 1) return undefined;
    if (length === 0) break;
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  if (at + 5 > query.length) return undefined;
  const host = labels.join('.').toLowerCase();
  return { host, type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answerTo(query: Buffer, { type, end }: Question, address: string | undefined): Buffer {
  const head = Buffer.from(query.subarray(0, end));
  const found = address !== undefined && type === typeA;
  head.writeUInt16BE(address === undefined ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(found ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  if (!found) return head;
  const record = Buffer.alloc(16);
  record.writeUInt16BE(0xc00c, 0); // the name of the question
  record.writeUInt16BE(typeA, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(60, 6);
  record.writeUInt16BE(4, 10);
  for (const [index, part] of address.split('.').entries()) record[12 + index] = Number(part);
  return Buffer.concat([head, record]);
}

const reachedFile = 'reached.log';

/**
 * Required by each Node process of a service: writes down where it connects to. It stops nothing; the
 * namespace does.
 */
export const tracer = `'use strict';
const { appendFileSync } = require('node:fs');
const { Socket } = require('node:net');
const file = process.env.LOCKSTEP_REACHED;
const ours = new Set();
for (const [name, value] of Object.entries(process.env)) {
  if (!/^(DATABASE_URL|REDIS_URL|HTTP_URL_[0-9]+)$/.test(name)) continue;
  try { ours.add(new URL(value).host); } catch {}
}
const connect = Socket.prototype.connect;
Socket.prototype.connect = function (...values) {
  try {
    const [first] = Array.isArray(values[0]) ? values[0] : values;
    const options = typeof first === 'object' && first !== null ? first : { port: first, host: values[1] };
    const host = String(options.host ?? 'localhost').replace(/^(localhost|::1)$/, '127.0.0.1');
    const target = options.path ?? host + ':' + options.port;
    if (file && !ours.has(target)) appendFileSync(file, target + '\\n');
  } catch {}
  return connect.apply(this, values);
};
`;

/** Where the tracer writes. */
export function reachedPath(folder: string): string {
  return join(folder, reachedFile);
}

/** What services tried to reach past their servers. Each once. */
export function reachedBy(folder: string): string[] {
  const path = reachedPath(folder);
  if (!existsSync(path)) return [];
  const lines = new Set(readFileSync(path, 'utf8').split('\n').filter(Boolean));
  return [...lines].slice(0, namesMax);
}
