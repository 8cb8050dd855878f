import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Input } from '../contract/index.ts';
import type { IdempotencyKey } from '../engine/idempotency.ts';
import { Problem } from './answer.ts';

/**
 * Characters that never need quoting. A repeated header is joined with a comma, so it is rejected.
 */
const allowed = /^[\w.~:+/=-]{8,200}$/;

/**
 * The Idempotency-Key of a request, plain or in the quotes of the draft
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/); undefined if absent.
 * Throws `Problem` for an invalid key.
 */
export function idempotencyOf(
  { headers }: IncomingMessage,
  path: string,
  { params, body }: Input,
): IdempotencyKey | undefined {
  const sent = headers['idempotency-key'];
  if (sent === undefined) return undefined;
  const key = String(sent).replace(/^"(.*)"$/, '$1');
  if (!allowed.test(key)) throw new Problem('idempotency-key-invalid');
  const payload = JSON.stringify(sorted([path, params, body]));
  return { key, fingerprint: createHash('sha256').update(payload).digest('base64url') };
}

/** JSON objects are unordered: sorts members, so that equal payloads hash alike. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}
