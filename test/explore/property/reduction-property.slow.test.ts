import { describe, expect, test } from 'vitest';
import { compareSearches, lostText } from '../../../bench/explore/reduction/compare.ts';
import { themeNames } from '../../../bench/explore/reduction/generate.ts';
import { type Tried, tryPrograms } from '../../../bench/explore/reduction/run.ts';
import { ownRedisUrl } from '../../fixtures/redis-server.ts';
import { testServers } from '../../servers.ts';
import { known } from './known.ts';

const servers = { pgUrl: testServers().postgresUrl, redisUrls: [await ownRedisUrl()] };

describe('the reduced search meets every outcome of the unreduced one', {
  timeout: 600_000,
}, () => {
  test.each(Object.entries(known))('%s', async (_, program) => {
    const compared = await compareSearches(program, servers, { ordersMax: 2_000, secondsMax: 200 });
    expect(compared.kind, `${compared.why}\n${lostText(compared)}`).toBe('equal');
    expect(compared.unreduced.outcomes.size).toBeGreaterThan(1);
  });

  test('in programs drawn from a fixed seed', async () => {
    const all = await drawn(20_251_129, 64);
    expect(lost(all)).toEqual([]);
    expect(all.length).toBeGreaterThanOrEqual(60);
    // Which theme is drawn follows from the number: each had its turn.
    expect(all.length).toBeGreaterThanOrEqual(themeNames.length);
    expect(all.filter(({ compared }) => compared.kind === 'skipped').length).toBeLessThan(7);
    expect(
      all.filter(({ compared }) => compared.program.event !== undefined).length,
    ).toBeGreaterThan(15);
  });

  test('in programs that nobody has seen before', async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    console.log(
      `reduction: programs of seed ${seed} (npm run dev:reduction -- --seed ${seed} --orders ${ordersMax})`,
    );
    expect(lost(await drawn(seed, 10))).toEqual([]);
  });
});

/** Small ones: some hundred searches take about two minutes where the cores are ours. */
const ordersMax = 90;

function drawn(seed: number, programs: number): Promise<Tried[]> {
  const numbers = Array.from({ length: programs }, (_, at) => at);
  const trial = { seed, numbers, ordersMax, secondsMax: 480, shrinkSeconds: 30 };
  return tryPrograms(trial, servers, () => undefined);
}

/** Lost outcomes, and what was no fair trial: an order that ends in two ways. */
function lost(all: readonly Tried[]): string[] {
  return all.flatMap(({ number, compared }) => {
    if (compared.kind === 'lost') return [`program ${number}: ${lostText(compared)}`];
    return compared.kind === 'unclear' ? [`program ${number}: ${compared.why}`] : [];
  });
}
