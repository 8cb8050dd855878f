import { Agent } from 'node:http';
import pg from 'pg';
import { afterAll, describe, expect, it } from 'vitest';
import { freshDatabase } from '../database.ts';
import { until } from '../fixtures/gate.ts';
import { committed, makeRequest } from './appointments.ts';
import { openEdge } from './edge.ts';
import { ask, post } from './requests.ts';
import { isAlive, type Ready, RunningService, startMaxMs } from './running-service.ts';

/** A command that waits in the service for a row, until it is let go. */
async function heldCommand(databaseUrl: string, url: string) {
  const { accepts, id } = await makeRequest(url, 1);
  const holder = new pg.Client({ connectionString: databaseUrl });
  await holder.connect();
  await holder.query('begin');
  await holder.query('select from appointment_requests where id = $1 for update', [id]);
  const reply = post(`${url}${accepts[0]}`).catch((error: Error) => error);
  const waits = `
    select from pg_locks where not granted
      and transactionid = (select backend_xid from pg_stat_activity where pid = pg_backend_pid())`;
  await until(
    'the command waits',
    async () => (await holder.query(waits)).rows.length > 0,
    startMaxMs,
  );
  return { reply, letGo: () => holder.end() };
}

/** Resolves when the processes take no connection any more. */
async function refusing(processes: Ready['processes']): Promise<void> {
  for (const { url } of processes)
    await until('new connections are refused', () =>
      ask(`${url}/livez`).then(
        () => false,
        () => true,
      ),
    );
}

describe('a stop', { timeout: 2 * startMaxMs }, () => {
  const services: RunningService[] = [];
  afterAll(() => Promise.all(services.map(service => service.stop())));

  async function start(url: string): Promise<RunningService> {
    const service = new RunningService({ DATABASE_URL: url, PROCESSES: '2', WAIT_MS: '30000' });
    services.push(service);
    return service;
  }

  it('under load loses no acknowledged command, and leaves no process behind', async () => {
    const { url: databaseUrl } = await freshDatabase('template0', 'caller drops');
    const service = await start(databaseUrl);
    const { url, processes } = await service.ready();
    const made = await Promise.all(Array.from({ length: 40 }, () => makeRequest(url, 10)));
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const paths = made.flatMap(({ accepts }) => accepts);
    const acknowledged: string[] = [];
    let gone = 0;
    const client = async (): Promise<void> => {
      for (let path = paths.pop(); path && gone < 8; path = paths.pop())
        try {
          const reply = await post(`${url}${path}`, {}, { agent });
          if (reply.status === 201) acknowledged.push(String(reply.body.commandId));
          else expect(reply.status).toBe(409);
        } catch {
          gone += 1; // refused or closed: nothing was promised
        }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    await until('the load runs', () => acknowledged.length >= 5);
    const running = await heldCommand(databaseUrl, url);
    service.signal('SIGTERM');
    await refusing(processes);
    await running.letGo();
    const reply = await running.reply;
    expect(reply).toMatchObject({ status: 201, headers: { 'content-type': expect.any(String) } });
    if (!(reply instanceof Error)) acknowledged.push(String(reply.body.commandId));
    await clients;
    expect(await service.ended()).toBe(0);
    agent.destroy();
    expect(gone).toBeGreaterThan(0);
    expect(await committed(databaseUrl, acknowledged)).toBe(acknowledged.length);
    for (const { pid } of processes) expect(isAlive(pid)).toBe(false);
    await expect(ask(`${url}/livez`)).rejects.toThrow();
  });

  it('ends at once with the second signal', async () => {
    const { url: databaseUrl } = await freshDatabase('template0', 'caller drops');
    const service = await start(databaseUrl);
    const { url, processes } = await service.ready();
    const running = await heldCommand(databaseUrl, url);
    service.signal('SIGINT');
    await refusing(processes);
    expect(isAlive(service.pid)).toBe(true);
    service.signal('SIGINT');
    expect(await service.ended()).toBe(130);
    expect(await running.reply).toBeInstanceOf(Error);
    for (const { pid } of processes) await until('a process has ended', () => !isAlive(pid));
    await running.letGo();
  });

  it('of the primary alone, without a warning, ends every process', async () => {
    const { url: databaseUrl } = await freshDatabase('template0', 'caller drops');
    const service = await start(databaseUrl);
    const { processes } = await service.ready();
    service.signal('SIGKILL');
    for (const { pid } of processes) await until('a process has ended', () => !isAlive(pid));
  });
});

describe('a process that is stopping', () => {
  it('says so on /readyz and keeps no connection alive', async () => {
    const edge = await openEdge();
    const agent = new Agent({ keepAlive: true });
    expect((await ask(`${edge.url}/readyz`, { agent })).status).toBe(200);
    edge.stopping = true;
    const reply = await ask(`${edge.url}/readyz`, { agent });
    expect(reply.status).toBe(503);
    expect(reply.body).toMatchObject({
      type: '/problems/not-ready',
      checks: { postgres: 'ok', process: 'stopping' },
    });
    expect(reply.headers['retry-after']).toBe('1');
    expect(reply.headers.connection).toBe('close');
    expect((await ask(`${edge.url}/livez`)).status).toBe(200);
    agent.destroy();
  });
});
