import type { Row, Table } from '../../contract/index.ts';

/** A therapist accepts an offer. The request of an offer never changes. */
export interface Accept {
  readonly offerId: string;
  readonly requestId: string;
  readonly therapistId: string;
}

/** The key that must be decided one at a time. */
export const keyOf = (command: Accept): string => `appointment_requests/${command.requestId}`;

export interface Request extends Row {
  readonly therapists_needed: number;
}

/** The deciding row. */
export const requests: Table<Request> = {
  name: 'appointment_requests',
  columns: {
    id: 'bigint',
    therapists_needed: 'integer',
    version: 'integer',
    fence: 'bigint',
  },
};

export interface Place extends Row {
  readonly request_id: string;
  readonly appointment_id: string | null;
}

/** Precreated rows: one per therapist that a request needs. */
export const places: Table<Place> = {
  name: 'appointment_places',
  columns: {
    id: 'bigint',
    request_id: 'bigint',
    appointment_id: 'bigint',
    version: 'integer',
    fence: 'bigint',
  },
};
