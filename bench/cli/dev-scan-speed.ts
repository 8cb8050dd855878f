/** `npm run dev:scan-speed`: what recording costs a request, and orders a second with and without warm services. */
import { fileURLToPath } from 'node:url';
import { explore } from '../../src/explore/explore.ts';
import { createDatabase } from '../../src/explore/run/database.ts';
import type { Subject } from '../../src/explore/run/stage.ts';
import { record } from '../../src/scan/record/record.ts';
import type { Program } from '../../src/scan/record/recording.ts';
import { Service } from '../../src/scan/service.ts';
import { hold, type OpenStart, openStart, type ScanServers } from '../../src/scan/start.ts';
import { openExploreServers } from '../explore/servers.ts';
import { commandOf, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { whole } from '../lab/option-values.ts';
import type { CliCommand } from './command.ts';

const table = {
  requests: whole('--requests <n>', 'requests of each block', [10, 10_000], 200),
  blocks: whole('--blocks <n>', 'blocks of each kind, in turn', [1, 100], 5),
  executions: whole('--executions <n>', 'orders of each exploration', [1, 10_000], 60),
};

const form = () =>
  commandOf('dev-scan-speed', 'Measures the recorder and the warm services of a scan.', table);

const app = fileURLToPath(
  new URL('../../examples/own-code/express-booking/app.mjs', import.meta.url),
);
const program: Program = { command: [process.execPath, app], cwd: process.cwd() };
const setup = `
  create table slot (id int primary key, seats int not null);
  create table booking (id serial primary key, slot_id int not null, who text not null);
  insert into slot values (1, 1)`;

export const command: CliCommand = {
  form,
  async run({ argv, note, signal, write }) {
    const options = readTable(form(), table, argv);
    const named = { pgUrl: undefined, redisUrls: undefined };
    const servers = await openExploreServers(named, { note, signal });
    try {
      const start = await openStart(servers, { setup });
      try {
        write(`${await overhead(servers, start, options)}\n`);
      } finally {
        await start.database.drop();
      }
      for (const warm of [true, false])
        write(`${await speed(servers, warm, warm ? options.executions : 10)}\n`);
    } finally {
      await servers.close();
    }
    return exitCodes.asClaimed;
  },
};

/** Medians of blocks that take turns, each block at a service of its own. */
async function overhead(
  servers: ScanServers,
  start: OpenStart,
  { requests, blocks }: { readonly requests: number; readonly blocks: number },
): Promise<string> {
  const direct: number[] = [];
  const recorded: number[] = [];
  for (let block = 0; block < blocks; block++) {
    const database = await hold(await createDatabase(servers.pgUrl, start.database.name));
    const urls = { pgUrl: database.url, redisUrl: '', redisUrls: [], httpUrls: [] };
    const service = await Service.start(program, { urls });
    direct.push(await medianMs(`http://127.0.0.1:${service.port}`, requests));
    await service.stop();
    await database.drop();
    await record({
      servers,
      start,
      program,
      port: 0,
      drive: async ({ url }) => {
        recorded.push(await medianMs(url, requests));
      },
    });
  }
  const [plain, through] = [median(direct), median(recorded)];
  return (
    `one request after the other, ${blocks} × ${requests}: ${plain.toFixed(2)} ms without and ` +
    `${through.toFixed(2)} ms with the recorder, ${(through / plain).toFixed(2)} times`
  );
}

async function medianMs(url: string, requests: number): Promise<number> {
  const times: number[] = [];
  for (let at = 0; at < requests + 20; at++) {
    const beganMs = performance.now();
    const response = await fetch(`${url}/slots/1/bookings`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"who":"ann"}',
    });
    await response.text();
    if (at >= 20) times.push(performance.now() - beganMs);
  }
  return median(times);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function speed(servers: ScanServers, warm: boolean, executions: number): Promise<string> {
  const caller = (who: string) => ({
    service: program,
    request: {
      path: '/slots/1/bookings',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ who }),
    },
    warm,
  });
  const subject: Subject = { setup, actors: { ann: caller('ann'), bob: caller('bob') } };
  let beganMs = 0;
  let orders = 0;
  const found = await explore(subject, {
    servers,
    executionsMax: executions,
    progress: () => {
      if (beganMs === 0) beganMs = performance.now();
      else orders++;
    },
  });
  const perSecond = orders / ((performance.now() - beganMs) / 1_000);
  const how = warm ? 'warm services' : 'services started for each order';
  return `${how}: ${perSecond.toFixed(1)} orders a second (${found.outcome}, ${found.orders} orders)`;
}
