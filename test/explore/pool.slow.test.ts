import { execFile } from 'node:child_process';
import { pbkdf2, randomBytes, scrypt } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createReadStream, readFile as readFileThen } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { deflate } from 'node:zlib';
import pg from 'pg';
import { expect, test } from 'vitest';
import { type ActorFunction, explore } from '../../src/explore/explore.ts';
import { testServers } from '../servers.ts';
import { subject } from './programs.ts';

const servers = { pgUrl: testServers().postgresUrl };

/** Looks, computes, acts; its pool has a timer of its own all the while. */
const signUp = (compute: () => Promise<unknown>): ActorFunction => {
  return async ({ pgUrl }) => {
    const pool = new pg.Pool({ connectionString: pgUrl, max: 1 });
    const text = 'select id from account where email = $1';
    const { rowCount } = await pool.query(text, ['a@example.org']);
    await compute();
    if (rowCount === 0) {
      await pool.query('insert into account (email) values ($1)', ['a@example.org']);
    }
    await pool.end();
  };
};
const setup = 'create table account (id serial primary key, email text)';
const audit = 'select email from account group by email having count(*) > 1';

const inThread = (code: string): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true });
    worker.on('message', value => void worker.terminate().then(() => resolve(value)));
    worker.on('error', reject);
  });
const spin = 'const t = Date.now(); while (Date.now() - t < 150);';

const works: Readonly<Record<string, () => Promise<unknown>>> = {
  pbkdf2: () => promisify(pbkdf2)('pass', 'salt', 100_000, 32, 'sha256'),
  scrypt: () => promisify(scrypt)('pass', 'salt', 32),
  randomBytes: async () => {
    randomBytes(8); // done at once: nothing is waited for
    await promisify(randomBytes)(8_000_000);
  },
  WebCrypto: async () => {
    const key = await crypto.subtle.importKey('raw', Buffer.from('pass'), 'PBKDF2', false, [
      'deriveBits',
    ]);
    const how = { name: 'PBKDF2', hash: 'SHA-256', salt: Buffer.from('salt'), iterations: 100_000 };
    await crypto.subtle.deriveBits(how, key, 256);
  },
  zlib: () => promisify(deflate)(Buffer.alloc(8_000_000, 'abc')),
  files: async () => {
    await readFile(process.execPath);
    await promisify(readFileThen)('package.json');
    await once(createReadStream('package.json').resume(), 'end');
  },
  dns: () => lookup('localhost'),
  'a thread': () =>
    inThread(`${spin} require('node:worker_threads').parentPort.postMessage('done')`),
  'a process': () => promisify(execFile)(process.execPath, ['-e', spin]),
};

test.each(Object.entries(works))('a caller that computes by %s is explored', async (_, compute) => {
  const act = signUp(compute);
  const options = { servers, phases: false, preemptions: 1 };
  const found = await explore(subject(setup, audit, [act, act]), options);
  expect(found).toMatchObject({ outcome: 'unsafe', exhausted: true, orders: 4 });
});
