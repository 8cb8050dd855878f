import { setMaxListeners } from 'node:events';
import pg from 'pg';
import { z } from 'zod';
import { percentile } from '../lab/statistics.ts';
import { call, crowd, rawCall, type Told } from './callers.ts';

/** The running service, and the database behind it. */
export interface Place {
  readonly url: string;
  readonly databaseUrl: string;
  readonly signal: AbortSignal;
}

const made = z.object({ id: z.string() });
const settleMaxMs = 15_000;

/** A gift card that no debit of a measurement empties. */
async function newCard({ url, signal }: Place): Promise<string> {
  const response = await fetch(`${url}/gift-cards`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ initialCents: 1_000_000 }),
    signal,
  });
  return made.parse(await response.json()).id;
}

const debitOf = (place: Place, strategy: string, card: string) => ({
  url: `${place.url}/gift-cards/${card}/debits`,
  body: { amountCents: 1 },
  strategy,
  signal: place.signal,
});

async function withDatabase<T>(
  { databaseUrl }: Place,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => {}); // the query reports it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function debitsOf(client: pg.Client, card: string): Promise<number> {
  const { rows } = await client.query<{ debits: number }>(
    'select count(*)::integer as debits from gift_card_debits where card_id = $1',
    [card],
  );
  return rows[0]?.debits ?? 0;
}

export interface Leaving {
  /** Committed, whoever was there to hear it. */
  readonly done: number;
  readonly acknowledged: number;
  readonly perSecond: number;
}

/** 200 callers on one key who leave after a second: what is done, and for whom. */
export async function leaving(place: Place, strategy: string, seconds: number): Promise<Leaving> {
  const card = await newCard(place);
  const startMs = performance.now();
  const untilMs = startMs + seconds * 1_000;
  const told = await crowd(200, untilMs, { ...debitOf(place, strategy, card), limitMs: 1_000 });
  const took = (performance.now() - startMs) / 1_000;
  const acknowledged = told.filter(({ status }) => status === 201).length;
  const done = await withDatabase(place, client => settled(client, card));
  return { done, acknowledged, perSecond: acknowledged / took };
}

/** The debits, when nothing has been added for a second. */
async function settled(client: pg.Client, card: string): Promise<number> {
  const endMs = performance.now() + settleMaxMs;
  let before = -1;
  let now = await debitsOf(client, card);
  while (now !== before && performance.now() < endMs) {
    await new Promise(resolve => setTimeout(resolve, 1_000));
    before = now;
    now = await debitsOf(client, card);
  }
  return now;
}

export interface Beside {
  /** p99 in ms of one caller on fresh keys: alone, and beside 500 waiters on a key that is held. */
  readonly aloneMs: number;
  readonly besideHeldMs: number;
  /** Beside 500 callers in a closed loop on a key that nobody holds for long. */
  readonly besideBusyMs: number;
  /** Cold commands that were not accepted. */
  readonly refused: number;
}

const waiters = 500;
const warmUps = 50;

/** One caller on fresh keys, alone and beside a crowd on another key. */
export async function beside(place: Place, strategy: string, samples: number): Promise<Beside> {
  let refused = 0;
  const cards: string[] = []; // made beforehand: making one waits for a connection, too
  while (cards.length < warmUps + 3 * samples) cards.push(await newCard(place));
  const p99 = async (count: number): Promise<number> => {
    const took: number[] = [];
    for (const card of cards.splice(0, count)) {
      const told = await call(debitOf(place, strategy, card));
      if (told.status !== 201) refused += 1;
      took.push(told.tookMs);
    }
    return percentile(
      took.toSorted((a, b) => a - b),
      0.99,
    );
  };
  await p99(warmUps); // connects and prepares
  const aloneMs = await p99(samples);
  const hot = debitOf(place, strategy, await newCard(place));
  const stop = new AbortController();
  const signal = AbortSignal.any([place.signal, stop.signal]);
  setMaxListeners(waiters + 1, signal);
  const busy = crowd(waiters, Number.POSITIVE_INFINITY, { ...hot, signal });
  await new Promise(resolve => setTimeout(resolve, 1_500));
  const besideBusyMs = await p99(samples);
  stop.abort();
  await busy;
  const besideHeldMs = await whileHeld(place, strategy, waiters, () => p99(samples));
  return { aloneMs, besideHeldMs, besideBusyMs, refused };
}

export interface AtOnce {
  /** From before the first connection to the last answer. */
  readonly lastMs: number;
  /** At most: until the service began, in the service, and from its end to the answer. */
  readonly partsMs: readonly [before: number, inside: number, after: number];
  readonly statuses: Readonly<Record<string, number>>;
}

/** So many connections at once, each with one command for a key that is held all the time. */
export async function atOnce(place: Place, strategy: string, count: number): Promise<AtOnce> {
  let told: readonly Told[] = [];
  await whileHeld(place, strategy, 1, async card => {
    const one = debitOf(place, strategy, card);
    told = await Promise.all(Array.from({ length: count }, () => rawCall(one)));
    return 0;
  });
  const statuses: Record<string, number> = {};
  for (const { status } of told) statuses[String(status)] = (statuses[String(status)] ?? 0) + 1;
  const most = (of: (one: Told) => number): number => Math.max(...told.map(of));
  return {
    lastMs: most(({ tookMs }) => tookMs),
    partsMs: [
      most(({ beforeMs = 0 }) => beforeMs),
      most(({ workedMs = 0 }) => workedMs),
      most(({ tookMs, beforeMs = 0, workedMs = 0 }) => tookMs - beforeMs - workedMs),
    ],
    statuses,
  };
}

/** A session of ours has the row, so that whoever gets the turn keeps it; others wait for theirs. */
async function whileHeld<T>(
  place: Place,
  strategy: string,
  count: number,
  work: (card: string) => Promise<T>,
): Promise<T> {
  const card = await newCard(place);
  return withDatabase(place, async client => {
    await client.query('begin');
    await client.query('select from gift_cards where id = $1 for update', [card]);
    const waiting = Array.from({ length: count }, () => call(debitOf(place, strategy, card)));
    await new Promise(resolve => setTimeout(resolve, 1_000));
    try {
      return await work(card);
    } finally {
      await client.query('rollback');
      await Promise.all(waiting);
    }
  });
}
