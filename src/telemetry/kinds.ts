import type { ViolationKind } from '../contract/index.ts';

/** Every kind of violation, so that each is exported as 0 from the start. */
export const violationKinds: readonly ViolationKind[] = [
  'duplicate',
  'lost update',
  'lost acknowledgement',
  'false refusal',
  'inconsistent',
  'stuck',
];
