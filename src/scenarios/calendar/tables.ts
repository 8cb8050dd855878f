import type { Row, Table } from '../../contract/index.ts';

/** A therapist accepts a visit request, whose therapist and time never change. */
export interface Book {
  readonly therapistId: string;
  readonly requestId: string;
  /** A range in Postgres notation: inclusive start, exclusive end. */
  readonly during: string;
}

/** The deciding row: a therapist's visits must not overlap. */
export const therapists: Table<Row> = {
  name: 'therapists',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};

/** What the variant with the wrong key uses as the deciding row. */
export const requests: Table<Row> = {
  name: 'visit_requests',
  columns: { id: 'bigint', version: 'integer', fence: 'bigint' },
};

/** What a variant serializes on: its deciding row and key. */
export interface Subject {
  readonly table: Table<Row>;
  readonly idOf: (command: Book) => string;
}

export const byTherapist: Subject = { table: therapists, idOf: command => command.therapistId };
export const byRequest: Subject = { table: requests, idOf: command => command.requestId };

export const keyOf = ({ table, idOf }: Subject, command: Book): string =>
  `${table.name}/${idOf(command)}`;
