import { errorResponse, type PostgresMessage } from '../wire/postgres-replies.ts';

/** AuthenticationCleartextPassword: asked on loopback only, by a gate that knows the answer. */
export const cleartextPasswordRequest = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]);

/** What a client is told whose password is not that of its URL. */
export function wrongPassword(): PostgresMessage {
  const message = 'the password is not the one of the URL that was given to this actor';
  return errorResponse(new Map([...Object.entries({ S: 'FATAL', C: '28P01', M: message })]));
}
