import { strategy } from '../src/contract/index.ts';

/** A GiST exclusion constraint refuses what overlaps; ON CONFLICT DO NOTHING keeps it from deadlocking. */
export default strategy({
  title: 'An exclusion constraint and ON CONFLICT DO NOTHING',
  wording: 'exclusion',
  adoption: { migration: 'constraint over existing rows' },
  compared: 'on request',
});
