/** A command as JSON text, for the process that runs it. */
import { z } from 'zod';

const spec = z.strictObject({
  scenario: z.string(),
  variant: z.string(),
  strategy: z.string(),
  strategyFiles: z.array(z.string()),
  commandId: z.string(),
  input: z.object({ params: z.record(z.string(), z.unknown()), body: z.unknown() }),
  idempotency: z.object({ key: z.string(), fingerprint: z.string() }).optional(),
  needs: z.object({ single: z.boolean(), nodes: z.boolean() }),
});

export type CallerSpec = z.infer<typeof spec>;

/** Throws if the text is not a command. */
export function callerSpec(text: string): CallerSpec {
  return spec.parse(JSON.parse(text));
}
