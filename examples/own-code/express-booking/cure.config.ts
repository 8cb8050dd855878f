import { race } from '../../../src/explore/race.ts';
import config, { books } from './race.config.ts';

/** The same service, locking the slot's row before it looks. */
const env = { BOOK_UNDER_LOCK: '1' };

export default race({ ...config, actors: { ann: books('ann', env), bob: books('bob', env) } });
