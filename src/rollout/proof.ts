import pg from 'pg';
import { gateOf } from './assignment-schema.ts';

/** Under which epochs a command believes that it may decide. */
export interface Believed {
  readonly scenario: string;
  readonly variant: string;
  /** Sorted; see `groupsOf`. */
  readonly groups: readonly number[];
  /** One per group; 0: never assigned. */
  readonly epochs: readonly bigint[];
}

/**
 * The statements that belong behind BEGIN, in the same message: they take the gates of the keys until
 * the end of the transaction and fail with SQLSTATE LS001 if an epoch is another one by now. All that
 * follows in the transaction fails then.
 */
export function proofSql({ scenario, variant, groups, epochs }: Believed): string {
  const text = pg.escapeLiteral;
  return (
    `lock table ${groups.map(gateOf).join(', ')} in access share mode; ` +
    `select lockstep_prove(${text(scenario)}, ${text(variant)}, '{${groups.join()}}', '{${epochs.join()}}')`
  );
}
