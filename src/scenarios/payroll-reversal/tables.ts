import type { Decision, Row, Table } from '../../contract/index.ts';

/** An admin reverses a payroll. */
export interface Reverse {
  readonly payrollId: string;
  readonly adminId: string;
}

/** The key that must be decided one at a time. */
export const keyOf = (command: Reverse): string => `payrolls/${command.payrollId}`;

/** The deciding row: the parent, since the conflicting reversal does not exist yet. */
export const payrolls: Table<Row> = {
  name: 'payrolls',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};

export const alreadyReversed: Decision = { refused: 'already reversed' };
export const gone: Decision = { refused: 'gone' };
