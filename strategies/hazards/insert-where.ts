import { strategy } from '../../src/contract/index.ts';

/** One statement that counts and inserts: it counts in the snapshot from before it waited, or did not wait at all. */
export default strategy({
  title: 'INSERT … SELECT … WHERE count(*) < n',
  wording: 'conditional insert',
  hazard: {
    why: 'one statement reads its snapshot before a rival commits and writes after',
    under: ['statement phases'],
    cure: 'unique-slots',
  },
  compared: 'on request',
});
