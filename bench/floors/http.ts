/** The cost of HTTP: the service's HTTP layer without a database, compared with a minimal Node server. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Child, Keeper } from '../../src/services/index.ts';
import type { Entry, OpenContest } from './contest.ts';
import { httpLoad, postOf } from './http-load.ts';

const request = postOf('/gift-cards/42/debits', '{"amountCents":25}');
const readyMs = 30_000;

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
  return {
    child,
    measure: async (seconds: number) => (await httpLoad(port, seconds, () => request)).perSecond,
  };
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
      'The service’s own app (Express, request ids, choice of strategy, validation by zod, ten metric observations) with an engine that answers at once.',
    ],
    async close() {
      await bare.child.stop();
      await service.child.stop();
      await plain.child.stop();
    },
  };
}
