import type { RequestHandler } from 'express';
import { z } from 'zod';
import { parse } from '../scenarios/input.ts';
import type { EvidencePage, EvidenceRow } from '../telemetry/violations.ts';
import { answer } from './answer.ts';

/** Reads a page of the live audit's findings, newest first. */
export type Evidence = (page: EvidencePage) => Promise<readonly EvidenceRow[]>;

const rowsMax = 1_000;
const rowsDefault = 100;

const digits = z.string().regex(/^\d{1,18}$/, 'must be a whole number');

const query = z.strictObject({
  scenario: z.string().optional(),
  strategy: z.string().optional(),
  kind: z.string().optional(),
  before: digits.optional(),
  limit: digits
    .refine(limit => Number(limit) >= 1 && Number(limit) <= rowsMax, `must be from 1 to ${rowsMax}`)
    .optional(),
});

/**
 * `GET /admin/violations?scenario=…&strategy=…&kind=…&limit=…&before=…`; `next` is the next
 * `before`.
 */
export function violationsFound(evidence: Evidence): RequestHandler {
  return async (request, response) => {
    const { limit = rowsDefault, ...asked } = parse(query, request.query);
    const violations = await evidence({ ...asked, limit: Number(limit) });
    const next = violations.at(-1)?.id ?? null;
    answer(response, 200, { violations, next });
  };
}
