import type { Board } from '../board.ts';
import { loadTest } from './load-test.ts';
import { overview } from './overview.ts';
import { rollout } from './rollout.ts';
import { storesAndRuntime } from './stores-and-runtime.ts';
import { strategyDetail } from './strategy-detail.ts';

/** Every dashboard, by the name of its file. */
export const boards: ReadonlyMap<string, Board> = new Map([
  ['overview', overview],
  ['rollout', rollout],
  ['strategy-detail', strategyDetail],
  ['stores-and-runtime', storesAndRuntime],
  ['load-test', loadTest],
]);
