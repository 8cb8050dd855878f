import { z } from 'zod';
import { InvalidInput } from '../contract/index.ts';

/** Ids are bigints in Postgres and strings here: JavaScript numbers are exact only up to 2^53. */
export const id = z
  .string()
  .regex(/^[1-9][0-9]{0,17}$/, 'must be a positive whole number of at most 18 digits');

const charactersMax = 200;

/**
 * A name, by its characters: half of what `length` counts where they are beyond the first plane.
 * Postgres takes all but NUL.
 */
export const text = z
  .string()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no store takes NUL
  .regex(/^[^\u0000]{1,200}$/u, `must have from 1 to ${charactersMax} characters, none of them NUL`)
  .meta({ minLength: 1, maxLength: charactersMax });

/** The parameters of a path with one `:id`. */
export const idParams = z.object({ id });

/**
 * Validates what a caller sent. The schema must be a module-level constant: zod compiles it on
 * first use, and a new one per request would cost more than the rest of the HTTP layer. Throws
 * `InvalidInput` with a path and a message per problem.
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
