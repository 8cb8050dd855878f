import pg from 'pg';
import { until } from '../fixtures/gate.ts';
import { ask, post, type Reply } from './requests.ts';

/** An appointment request made over HTTP, with the paths that accept its offers. */
export interface Made {
  readonly id: string;
  readonly accepts: readonly string[];
}

export async function makeRequest(url: string, therapists: number, needed = 1): Promise<Made> {
  const therapistIds = Array.from({ length: therapists }, (_, index) => String(index + 1));
  const body = { client: 'a test', therapistsNeeded: needed, therapistIds };
  const reply = await post(`${url}/appointment-requests`, body);
  if (reply.status !== 201) throw new Error(`no request was made: ${reply.text}`);
  const offers = Array.isArray(reply.body.offers) ? reply.body.offers : [];
  return {
    id: String(reply.body.id),
    accepts: offers.map(offer => `/appointment-offers/${offer.id}/accept`),
  };
}

/** How many rows the database holds for the command ids, to hold against what was acknowledged. */
export async function committed(
  databaseUrl: string,
  commandIds: readonly string[],
): Promise<number> {
  return count(
    databaseUrl,
    'select count(*)::integer as count from appointments where command_id = any ($1::uuid[])',
    [commandIds],
  );
}

export async function count(
  databaseUrl: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: number }>(text, [...values]);
    return rows[0]?.count ?? 0;
  } finally {
    await client.end();
  }
}

export async function metricsPage(url: string): Promise<string> {
  let reply: Reply = await ask(`${url}/metrics`);
  // as its problem says, where the processes have no cores to answer with
  await until('the metrics are collected', async () => {
    if (reply.status === 503) reply = await ask(`${url}/metrics`);
    return reply.status !== 503;
  });
  if (reply.status !== 200) throw new Error(`no metrics: ${reply.text}`);
  return reply.text;
}
