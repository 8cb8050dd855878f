import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parse } from '../scenarios/input.ts';
import type { EvidencePage, EvidenceRow } from '../telemetry/violations.ts';
import { answer } from './answer.ts';

/** Reads a page of the live audit's findings, newest first. */
export type Evidence = (page: EvidencePage) => Promise<readonly EvidenceRow[]>;

const rowsMax = 1_000;
const rowsDefault = 100;

const digits = z.string().regex(/^[0-9]{1,18}$/, 'must be a whole number');
const limit = z
  .string()
  .regex(/^0*(?:[1-9][0-9]{0,2}|1000)$/, `must be a whole number from 1 to ${rowsMax}`);
// biome-ignore lint/suspicious/noControlCharactersInRegex: no store takes NUL
const word = z.string().regex(/^[^\u0000]*$/, 'must not contain the character NUL');

/** Which page of the findings is asked for. */
export const page = z.strictObject({
  scenario: word.optional(),
  strategy: word.optional(),
  kind: word.optional(),
  before: digits.optional(),
  limit: limit.optional(),
});

/**
 * `GET /admin/violations?scenario=…&strategy=…&kind=…&limit=…&before=…`; `next` is the next
 * `before`.
 */
export function violationsFound(evidence: Evidence): RequestHandler {
  return async (request, response) => {
    const { limit = rowsDefault, ...asked } = parse(page, request.query);
    const violations = await evidence({ ...asked, limit: Number(limit) });
    const next = violations.at(-1)?.id ?? null;
    answer(response, 200, { violations, next });
  };
}
