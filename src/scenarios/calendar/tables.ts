import type { Row, Table } from '../../contract/index.ts';

/** A therapist takes a request; whose it is and when never changes. */
export interface Book {
  readonly therapistId: string;
  readonly requestId: string;
  /** A range as Postgres writes it: from, inclusive, to the end, exclusive. */
  readonly during: string;
}

/** The deciding row: whose hours must not overlap. */
export const therapists: Table<Row> = {
  name: 'therapists',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};

/** What the variant with the wrong key takes for the deciding row. */
export const requests: Table<Row> = {
  name: 'visit_requests',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};

/** What a variant decides one at a time, and the row that it takes for the deciding one. */
export interface Subject {
  readonly table: Table<Row>;
  readonly idOf: (command: Book) => string;
}

export const byTherapist: Subject = { table: therapists, idOf: command => command.therapistId };
export const byRequest: Subject = { table: requests, idOf: command => command.requestId };

export const keyOf = ({ table, idOf }: Subject, command: Book): string =>
  `${table.name}/${idOf(command)}`;
