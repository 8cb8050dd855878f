/** After the audit: whether each contested key still gives a turn to whoever comes next. */
import type { Call } from '../../src/contract/index.ts';
import { askedMax } from '../lab/asked.ts';
import { shuffled } from '../lab/random.ts';
import { waitMs } from '../lab/wait.ts';
import type { Answer, Client, ClientOptions } from './client.ts';
import type { Asked } from './schema.ts';

/** A contested key, with a call that contended for it. */
export interface ContestedKey {
  readonly key: string;
  readonly call: Call;
}

export interface AskOptions {
  readonly client: Pick<Client, 'send'>;
  readonly to: ClientOptions;
  readonly keys: readonly ContestedKey[];
  readonly random: () => number;
  /** When every lease of the load has passed, on the clock of `performance.now()`. */
  readonly leasesPassedMs: number;
}

const inFlightMax = 32;
/** A key that is left locked answers after the longest wait: no further key is asked after this. */
const eachLookMs = 30_000;

/**
 * Sends one fresh command to each key. One that is told busy is asked once more when every lease has
 * passed: a key that is busy then is stuck. A key that is free before stays free, since nobody else is
 * there.
 */
export async function askAgain(options: AskOptions): Promise<Asked> {
  const { keys, random, leasesPassedMs, to } = options;
  const sample = keys.length > askedMax ? shuffled(keys, random).slice(0, askedMax) : keys;
  const first = await answersOf(sample, options);
  const busy = first.filter(isKeptOut);
  if (busy.length > 0) await waitMs(Math.max(0, leasesPassedMs - performance.now()), to.signal);
  const second = await answersOf(busy, options);
  const last = [...first.filter(one => !isKeptOut(one)), ...second];
  return {
    keys: keys.length,
    asked: last.length,
    unanswered: last.filter(one => !isKeptOut(one) && !isServed(one)).length,
    stuck: last.filter(isKeptOut).map(({ key }) => key),
  };
}

type Told = ContestedKey & Pick<Answer, 'outcome' | 'detail'>;

/** Told busy, and not because it had the turn and lost it: then nobody keeps it out. */
const isKeptOut = ({ outcome, detail }: Told): boolean =>
  outcome === 'busy' && detail !== 'turn-lost';

const isServed = ({ outcome }: Told): boolean => outcome === 'accepted' || outcome === 'refused';

/** Of the keys that there was time for, spread over the processes. */
async function answersOf(
  keys: readonly ContestedKey[],
  { client, to }: AskOptions,
): Promise<Told[]> {
  const lastMs = performance.now() + eachLookMs;
  const told: Told[] = [];
  const left = [...keys.entries()];
  const lane = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) {
      to.signal.throwIfAborted();
      if (performance.now() > lastMs) return;
      const [index, one] = next;
      const { outcome, detail } = await client.send(one.call, index % to.processUrls.length, to);
      told.push({ ...one, outcome, detail });
    }
  };
  const lanes = Array.from({ length: Math.min(inFlightMax, keys.length) }, lane);
  await Promise.allSettled(lanes); // so that nothing is left running
  await Promise.all(lanes);
  return told;
}
