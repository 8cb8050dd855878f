/** The cost of monitoring: the live auditor, and scrapes by Prometheus. */
import { setTimeout as pause } from 'node:timers/promises';
import { pino } from 'pino';
import type { Registry } from '../../src/engine/registry.ts';
import type { Services } from '../../src/services/index.ts';
import { createPool } from '../../src/store/postgres.ts';
import { Auditor } from '../../src/telemetry/auditor.ts';
import { Meter } from '../../src/telemetry/prometheus.ts';
import { Recorder } from '../../src/telemetry/recorder.ts';
import { pointsOf } from '../lab/statistics.ts';
import { openTarget, type Target } from '../lab/target.ts';
import { anyCard, makeCards, throughEngine } from './booking.ts';
import { closeAll, type Entry, type OpenContest, type OpenEntry } from './contest.ts';
import { type HttpLoad, httpLoad, postOf } from './http-load.ts';

const strategy = 'row-lock';

/** Debits of 10 000 cards: more keys than can be audited in time, so that the auditor is always behind. */
export function auditorContest(databaseUrl: string, registry: Registry): OpenContest {
  const plain = throughEngine(databaseUrl, registry, {
    strategy,
    name: 'with metrics',
    observer: new Recorder(new Meter('process', { runtime: false })),
  });
  const watched = audited(databaseUrl, registry);
  const entries = [plain, watched].flatMap(entry => entry ?? []);
  return {
    title: 'Debits of 10 000 cards with the live auditor, 8 in flight',
    unit: 'debits/s',
    baseline: 'with metrics',
    entries,
    targets: [{ of: 'with metrics and the auditor', against: 'with metrics', atLeast: 0.95 }],
    notes: [],
    close: () => closeAll(entries),
  };
}

function audited(databaseUrl: string, registry: Registry): OpenEntry | undefined {
  const meter = new Meter('process', { runtime: false });
  const pool = createPool({
    url: databaseUrl,
    connectionsMax: 3,
    lockTimeoutMs: 1_000,
    applicationName: 'lockstep audit',
    onIdleError: () => {}, // the next audit reports it
  });
  const scenarios = [...registry.scenarios.values()];
  const log = pino({ level: 'silent' });
  let auditor: Auditor | undefined;
  const observer = new Recorder(meter, {
    touched: (cell, key) => auditor?.touched(cell.scenario, cell.strategy, key),
    refused: () => {},
  });
  const name = 'with metrics and the auditor';
  const engine = throughEngine(databaseUrl, registry, { strategy, name, observer });
  return (
    engine && {
      name,
      async measure(seconds) {
        auditor = new Auditor({ pool, scenarios, meter, log, everyMs: behindEveryMs });
        auditor.start();
        try {
          const before = await auditedKeys(meter);
          const rate = await engine.measure(seconds);
          if ((await auditedKeys(meter)) > before) return rate;
          throw new Error('nothing was audited during the measurement');
        } finally {
          await auditor.stop();
        }
      },
      async close() {
        await engine.close();
        await pool.end();
      },
    }
  );
}

/** The service's interval while keys are waiting; the default would start after the measurement. */
const behindEveryMs = 500;

async function auditedKeys(meter: Meter): Promise<number> {
  const metric = (await meter.snapshot()).find(({ name }) => name === 'lockstep_audit_keys_total');
  return (metric?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

const processes = 4;
/** As in grafana/prometheus/prometheus.yml. */
const scrapeEveryMs = 5_000;
const scrapesEach = 2;

async function openService(services: Services, signal: AbortSignal): Promise<Target> {
  const plan = { processes, latencyMs: 0, synchronousCommit: true, leaseMs: null };
  const { env: environment } = process;
  const target = await openTarget({
    services,
    plan,
    strategyFiles: [],
    history: false,
    environment,
    signal,
  });
  if (target.inside) await makeCards(target.inside.databaseUrl);
  return target;
}

/** Sends debits, with a scrape `everyMs` if given; all times in ms. */
async function debits(
  target: Target,
  seconds: number,
  everyMs: number | undefined,
): Promise<HttpLoad & { readonly scrapesMs: readonly number[] }> {
  const over = new AbortController();
  const scrapes = everyMs === undefined ? [] : scrapeEvery(target, everyMs, over.signal);
  const request = (): string => postOf(`/gift-cards/${anyCard()}/debits`, '{"amountCents":1}');
  const { port } = new URL(target.url);
  const [load, scrapesMs] = await Promise.all([
    httpLoad(Number(port), seconds, request).finally(() => over.abort()),
    scrapes,
  ]);
  return { ...load, scrapesMs };
}

/** Scrapes at once and then every `everyMs`, one at a time; none is pending when it resolves. */
async function scrapeEvery(
  target: Target,
  everyMs: number,
  over: AbortSignal,
): Promise<readonly number[]> {
  const took: number[] = [];
  for (let nextMs = performance.now(); !over.aborted; nextMs += everyMs) {
    took.push(await scrapeMs(target));
    const pauseMs = Math.max(0, nextMs + everyMs - performance.now());
    await pause(pauseMs, undefined, { signal: over }).catch(() => {}); // it is over
  }
  return took;
}

/** The duration of a scrape. Rejects if it fails. */
async function scrapeMs({ url }: Target): Promise<number> {
  const startMs = performance.now();
  const answer = await fetch(`${url}/metrics`);
  await answer.text();
  if (answer.status !== 200) throw new Error(`/metrics answered ${answer.status}`);
  return performance.now() - startMs;
}

/** The p99 of debits: without scrapes, at the configured scrape interval, and with more scrapes. */
export async function scrapedContest(
  services: Services,
  signal: AbortSignal,
): Promise<OpenContest> {
  const target = await openService(services, signal);
  const [alone, scraped] = ['nobody scrapes', 'a scrape every 5 s'];
  const leastSeconds = (scrapesEach * scrapeEveryMs) / 1_000;
  const entry = (name: string, everyMs: number | undefined): Entry => ({
    name,
    measure: async seconds =>
      pointsOf((await debits(target, Math.max(seconds, leastSeconds), everyMs)).tookMs)?.p99 ??
      Number.NaN,
  });
  return {
    title: `Debits over HTTP while somebody scrapes, ${processes} processes, 32 callers`,
    unit: 'ms, p99',
    baseline: alone,
    entries: [
      entry(alone, undefined),
      entry(scraped, scrapeEveryMs),
      entry('a scrape every second', 1_000),
    ],
    targets: [{ of: scraped, against: alone, atMost: 1.05 }],
    notes: ['One strategy and all seven scenarios: the label sets of a real service.'],
    close: () => target.close(),
  };
}

/** The duration of a scrape, of an idle service and of a busy one. */
export async function scrapeContest(services: Services, signal: AbortSignal): Promise<OpenContest> {
  const target = await openService(services, signal);
  const [resting, busy] = ['a service that rests', 'a service with 32 callers'];
  const rest = async (seconds: number): Promise<readonly number[]> => {
    const took: number[] = [];
    for (let scrape = 0; scrape < 10 * seconds; scrape += 1) {
      took.push(await scrapeMs(target));
    }
    return took;
  };
  const middle = (took: readonly number[]): number => pointsOf(took)?.p50 ?? Number.NaN;
  return {
    title: `A scrape of ${processes} processes`,
    unit: 'ms, median',
    baseline: resting,
    entries: [
      { name: resting, measure: async seconds => middle(await rest(seconds)) },
      {
        name: busy,
        measure: async seconds => middle((await debits(target, seconds, 200)).scrapesMs),
      },
    ],
    targets: [{ of: resting, atMost: 20 }],
    notes: ['Under load a scrape waits for the two cores like any other request.'],
    close: () => target.close(),
  };
}
