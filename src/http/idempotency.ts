import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Input } from '../contract/index.ts';
import type { IdempotencyKey } from '../engine/idempotency.ts';
import { Problem } from './answer.ts';

/** Characters that need no quoting anywhere; two headers of the name are joined with a comma. */
const allowed = /^[\w.~:+/=-]{8,200}$/;

/**
 * The Idempotency-Key of a request, plain or in the quotes of the draft
 * (https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/); undefined where it
 * has none. Throws `Problem` for one that cannot be stored.
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

/** The order of members says nothing in JSON. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, sorted(member)]);
}
