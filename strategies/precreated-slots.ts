import { strategy } from '../src/contract/index.ts';

/** Rows created beforehand give the rule something to lock, one row per place. */
export default strategy({
  title: 'Rows created beforehand, claimed under a row lock',
  wording: 'precreated rows',
  guard: ['lock row'],
  adoption: { migration: 'rows beforehand' },
  compared: 'on request',
});
