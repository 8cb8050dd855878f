import { strategy } from '../../src/contract/index.ts';

/** Looks again right before acting: the gap gets smaller and stays. */
export default strategy({
  title: 'Read again right before acting',
  guard: ['check twice'],
  hazard: {
    why: 'a rival can commit between the second look and the write',
    under: [],
    cure: 'row-lock',
  },
  adoption: { everyWriterMustTakePart: false },
  compared: 'on request',
});
