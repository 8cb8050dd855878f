import type { Board } from '../board.ts';
import { furtherCharts } from './further.ts';
import { loadTest } from './load-test.ts';
import { overview } from './overview.ts';
import { rollout } from './rollout.ts';
import { storesAndRuntime } from './stores-and-runtime.ts';
import { strategyDetail } from './strategy-detail.ts';

const drawn = [overview, rollout, strategyDetail, storesAndRuntime, loadTest];

/** Every dashboard, by the name of its file. */
export const boards: ReadonlyMap<string, Board> = new Map([
  ['overview', overview],
  ['rollout', rollout],
  ['strategy-detail', strategyDetail],
  ['stores-and-runtime', withFurther(storesAndRuntime)],
  ['load-test', loadTest],
]);

/** With the metrics that have no panel of their own, if there are any. */
function withFurther(board: Board): Board {
  const charts = furtherCharts(drawn);
  if (charts.length === 0) return board;
  return { ...board, sections: [...board.sections, { title: 'Further metrics', charts }] };
}
