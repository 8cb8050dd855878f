import { z } from 'zod';
import { lockBody, lockParams } from '../admin-locks.ts';
import { lockState } from './lock-state.ts';
import type { Described } from './operation.ts';
import { headerRefs } from './responses.ts';
import { answeredSchema } from './schemas.ts';

const shown = z.strictObject({
  key: z.string(),
  strategy: z.string(),
  locks: z.array(lockState),
});

const released = z.strictObject({
  ...{ key: z.string(), kind: z.string(), holder: z.string() },
  released: z.boolean(),
  meaning: z.string(),
});

const json = (description: string, schema: z.ZodType): Described['answers'] => ({
  '200': {
    description,
    headers: headerRefs('X-Request-Id'),
    content: { 'application/json': { schema: answeredSchema(schema) } },
  },
});

/** The operations on locks, for whoever holds the ADMIN_TOKEN. */
export const lockOperations: readonly Described[] = [
  {
    method: 'get',
    path: '/admin/locks/:key',
    tag: 'admin',
    title: 'Who has the locks of a key, and who waits',
    params: lockParams,
    paramExamples: { key: 'gift_cards/42' },
    answers: json('The locks that the strategy takes', shown),
    facts: { admin: true },
  },
  {
    method: 'post',
    path: '/admin/locks/:key/release',
    tag: 'admin',
    title: 'End one named hold of a lock',
    description: 'Of exactly the holder that was shown; the answer says what that does to it.',
    params: lockParams,
    paramExamples: { key: 'gift_cards/42' },
    body: lockBody,
    answers: json('Whether it was held, and what was done', released),
    facts: {
      admin: true,
      own: ['lock-not-taken', 'lock-holder-changed', 'lock-store-unavailable'],
    },
  },
];
