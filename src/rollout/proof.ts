import { gateOf, type Place } from './assignment-schema.ts';

/** SQLSTATE of a proof that is refused: there is no gate of that epoch any more (undefined_table). */
export const proofRefused = '42P01';

/** Under which epochs a command believes that it may decide. */
export interface Believed extends Place {
  /** Sorted; see `groupsOf`. */
  readonly groups: readonly number[];
  /** One per group; all 0 where no keys of the place were ever assigned. */
  readonly epochs: readonly bigint[];
}

/**
 * The statement that belongs behind BEGIN, in the same message: it takes the gates of the keys until the
 * end of the transaction and fails with SQLSTATE 42P01 if an epoch is another one by now. All that
 * follows in the transaction fails then.
 */
export function proofSql(believed: Believed): string {
  const { groups, epochs } = believed;
  const assigned = epochs.every(epoch => epoch > 0n);
  const gates = assigned
    ? groups.map((group, index) => gateOf(believed, group, epochs[index]))
    : [gateOf(believed)];
  return `lock table ${gates.join(', ')} in access share mode`;
}
