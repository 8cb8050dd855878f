import { strategy } from '../../src/contract/index.ts';

/** Checks, then acts: the control. Where this one is not seen to fail, nothing else was tested. */
export default strategy({
  title: 'Check, then act',
  hazard: {
    why: 'two commands look before either has written',
    under: [],
    cure: 'row-lock',
  },
  adoption: { everyWriterMustTakePart: false },
});
