/** A steady load of small bursts: several commands on one key at once, over all replicas. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface LoadOptions {
  /** Where the replicas serve. */
  readonly urls: readonly string[];
  /** Commands of one burst, all on one key. */
  readonly burst: number;
  readonly burstsPerSecond: number;
  readonly random: () => number;
  readonly signal: AbortSignal;
}

export interface LoadTold {
  readonly sent: number;
  /** By HTTP status; 0 where there was no answer. */
  readonly answers: Readonly<Record<string, number>>;
  /** The ids of the commands that were accepted. */
  readonly accepted: readonly string[];
}

const initialCents = 100_000_000;
const inFlightMax = 200;

/** Makes the cards that the load debits. */
export async function makeCards(url: string, keys: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let card = 0; card < keys; card += 1) {
    const made = await send(`${url}/gift-cards`, { initialCents });
    ids.push(String(Object(made.body).id));
  }
  return ids;
}

/** Runs until `signal`; resolves when every answer is there. */
export async function load(ids: readonly string[], options: LoadOptions): Promise<LoadTold> {
  const { urls, burst, burstsPerSecond, random, signal } = options;
  const answers: Record<string, number> = {};
  const accepted: string[] = [];
  const open = new Set<Promise<void>>();
  let sent = 0;
  const one = async (id: string, url: string): Promise<void> => {
    const { status, body } = await send(`${url}/gift-cards/${id}/debits`, { amountCents: 1 });
    answers[status] = (answers[status] ?? 0) + 1;
    if (status === 201) accepted.push(String(Object(body).commandId));
  };
  while (!signal.aborted) {
    const id = ids[Math.floor(random() * ids.length)] ?? '';
    for (let place = 0; place < burst && open.size < inFlightMax; place += 1) {
      sent += 1;
      const answered = one(id, urls[sent % urls.length] ?? '').finally(() => open.delete(answered));
      open.add(answered);
    }
    await sleep(1_000 / burstsPerSecond, undefined, { signal }).catch(() => {});
  }
  await Promise.all(open);
  return { sent, answers, accepted };
}

const answerMs = 30_000;

async function send(url: string, body: object) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(answerMs),
  }).catch(() => undefined);
  const answered: unknown = await response?.json().catch(() => undefined);
  return { status: response?.status ?? 0, body: answered };
}
