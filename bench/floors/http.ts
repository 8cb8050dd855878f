/** What HTTP costs: the service's edge without a database beside the least that Node can do. */
import { connect } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, Keeper } from '../../src/services/index.ts';
import type { Entry, OpenContest } from './contest.ts';

const callers = 32;
const body = '{"amountCents":25}';
const request =
  'POST /gift-cards/42/debits HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n' +
  `content-length: ${body.length}\r\n\r\n${body}`;
const readyMs = 30_000;

/** Raw sockets: Node's own client would cost more than the bare server that it is to load. */
function load(port: number, seconds: number): Promise<number> {
  const startMs = performance.now();
  const lastMs = startMs + seconds * 1_000;
  let answered = 0;
  const lane = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let seen = '';
      socket.on('connect', () => socket.write(request));
      socket.on('error', reject);
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString('latin1');
        if (!isWhole(seen)) return;
        if (!seen.startsWith('HTTP/1.1 201')) reject(new Error(seen.slice(0, 300)));
        seen = '';
        answered += 1;
        if (performance.now() < lastMs) socket.write(request);
        else {
          socket.destroy();
          resolve();
        }
      });
    });
  return Promise.all(Array.from({ length: callers }, lane)).then(
    () => answered / ((performance.now() - startMs) / 1_000),
  );
}

/** Whether head and body are there. */
function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= head + 4 + length;
}

async function served(keeper: Keeper, kind: 'bare' | 'service' | 'plain') {
  let port = 0;
  const entry = fileURLToPath(
    new URL(`./http-process${extname(import.meta.url)}`, import.meta.url),
  );
  const child: Child = await keeper.start(
    {
      name: `the ${kind} server`,
      role: 'client',
      command: process.execPath,
      args: ['--import', import.meta.resolve('tsx'), entry, kind],
      env: { NODE_ENV: 'production', PATH: process.env.PATH ?? '' },
    },
    {
      onLine: line => {
        port = Number(/^listening on (\d+)$/.exec(line)?.[1] ?? port);
      },
      ready: async () => port > 0,
      readyMs,
    },
  );
  return { child, measure: (seconds: number) => load(port, seconds) };
}

/** A POST with a JSON body, 32 callers on as many connections. */
export async function httpContest(keeper: Keeper): Promise<OpenContest> {
  const bare = await served(keeper, 'bare');
  const service = await served(keeper, 'service');
  const plain = await served(keeper, 'plain');
  const entries: readonly Entry[] = [
    { name: 'bare node:http', measure: bare.measure },
    { name: 'the service without a database', measure: service.measure },
    { name: 'the same, prototypes set by Express', measure: plain.measure },
  ];
  return {
    title: 'POST with a JSON body, one process, 32 connections',
    unit: 'requests/s',
    baseline: 'bare node:http',
    entries,
    targets: [{ of: 'the service without a database', against: 'bare node:http', atLeast: 0.11 }],
    notes: [
      'The service’s own app (Express, request ids, choice of strategy, validation by zod, ten observations of metrics) with an engine that answers at once.',
    ],
    async close() {
      await bare.child.stop();
      await service.child.stop();
      await plain.child.stop();
    },
  };
}
