import { strategy } from '../src/contract/index.ts';

/** Takes any free row that was created beforehand and passes over those that others hold. */
export default strategy({
  title: 'Rows created beforehand, FOR NO KEY UPDATE SKIP LOCKED',
  wording: 'precreated rows',
  guard: ['lock row, skip locked'],
  adoption: { migration: 'rows beforehand', retryNeeded: true },
  compared: 'on request',
});
