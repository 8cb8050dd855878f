import { strategy } from '../src/contract/index.ts';

/** Lets Postgres watch what was read: one of two that could not have run one after the other gets 40001. */
export default strategy({
  title: 'SERIALIZABLE, with retries',
  isolation: 'serializable',
  adoption: { retryNeeded: true },
  compared: 'on request',
});
