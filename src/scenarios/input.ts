import { z } from 'zod';
import { InvalidInput } from '../contract/index.ts';

/** Ids are bigints in Postgres and strings here: JavaScript numbers end at 2^53. */
export const id = z
  .string()
  .regex(/^[1-9]\d{0,17}$/, 'must be a positive whole number of at most 18 digits');

/** The parameters of a path with one `:id`. */
export const idParams = z.object({ id });

/**
 * Parses what a caller sent. The schema has to be a constant of its module: zod compiles it at its
 * first use, and one that is made anew for each request costs more than all the rest of the edge.
 * Throws `InvalidInput` with a path and a message per fault.
 */
export function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new InvalidInput(
    result.error.issues.map(issue => ({
      path: issue.path.map(String).join('.') || 'body',
      message: issue.message,
    })),
  );
}
