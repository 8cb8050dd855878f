import { race } from '../../../src/explore/race.ts';
import config, { script } from './race.config.ts';

const run = script('withdraw_at_once.py');

export default race({
  ...config,
  actors: { 'first run': run, 'second run': run },
  // whoever comes second is told so, and that is right
  refusals: [/not enough money/],
});
