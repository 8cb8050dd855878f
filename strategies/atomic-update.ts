import { strategy } from '../src/contract/index.ts';

/** One conditional UPDATE of the deciding row, its dependents in the same statement. */
export default strategy({
  title: 'UPDATE … WHERE it is still allowed, in one statement',
  wording: 'conditional update',
  compared: 'on request',
});
