import { race } from '../../../src/explore/race.ts';
import config, { starts } from './race.config.ts';

/** One service at a time: the session that migrates holds an advisory lock until it ends. */
const inTurn = starts("select pg_advisory_lock(hashtext('migrate'))");

export default race({ ...config, actors: { 'first service': inTurn, 'second service': inTurn } });

export const note = 'An advisory lock of the session that migrates.';
