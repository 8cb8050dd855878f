import { strategy } from '../src/contract/index.ts';

/** Numbers the slots and lets a unique index refuse: nothing to take, nothing to give back. */
export default strategy({
  title: 'Numbered slots, a unique index and ON CONFLICT DO NOTHING',
  wording: 'numbered slots',
  adoption: { migration: 'constraint over existing rows' },
});
