import { race } from '../../../src/explore/race.ts';
import config, { job } from './race.config.ts';

const run = job('pay-due-locked.sql');

export default race({ ...config, actors: { 'first run': run, 'second run': run } });
