import { strategy } from '../../src/contract/index.ts';

/** One level too low: two transactions that read the same and insert beside it both commit (write skew). */
export default strategy({
  title: 'REPEATABLE READ, with retries',
  isolation: 'repeatable read',
  hazard: {
    why: 'both decide on their own snapshot and write different rows',
    under: [],
    cure: 'serializable',
  },
  adoption: { retryNeeded: true },
  compared: 'on request',
});
