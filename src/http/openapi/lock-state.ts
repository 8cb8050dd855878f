import { z } from 'zod';

const time = z.string().nullable();
const backend = z.strictObject({
  pid: z.int(),
  application: z.string(),
  client: z.string().nullable(),
  state: z.string().nullable(),
  ...{ backendStart: z.string(), transactionStart: time, queryStart: time },
});

/** Who has one lock, and who waits. */
export const lockState = z.strictObject({
  ...{ kind: z.string(), at: z.string() },
  holders: z.array(
    z.strictObject({
      holder: z.string(),
      remainingMs: z.number().optional(),
      renewedMsAgo: z.number().optional(),
      backend: backend.optional(),
    }),
  ),
  waiters: z.array(
    z.strictObject({
      waiter: z.string(),
      waitingMs: z.number().optional(),
      backend: backend.optional(),
    }),
  ),
  unknown: z.string().optional(),
});
