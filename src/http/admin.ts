import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { InvalidInput } from '../contract/index.ts';
import type { RegisteredScenario, Registry } from '../engine/registry.ts';
import { id, parse } from '../scenarios/input.ts';
import type { AuditReport, AuditRequest } from '../telemetry/ad-hoc-audit.ts';
import { answer, Problem } from './answer.ts';
import { readBody } from './body.ts';

/** Runs one scenario's audit. */
export type Audit = (scenario: RegisteredScenario, asked: AuditRequest) => Promise<AuditReport>;

/**
 * Returns a check that admits requests with `Authorization: Bearer <ADMIN_TOKEN>` and throws
 * `Problem` for all others; without an ADMIN_TOKEN it admits none. The comparison takes constant
 * time.
 */
export function adminCheck(adminToken: string | undefined): (request: IncomingMessage) => void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = adminToken === undefined ? undefined : digest(`Bearer ${adminToken}`);
  return ({ headers }) => {
    if (!expected) throw new Problem('admin-disabled');
    if (!timingSafeEqual(digest(headers.authorization ?? ''), expected))
      throw new Problem('admin-token-wrong');
  };
}

/** A route for admins only. */
export function adminOnly(adminToken: string | undefined, handler: RequestHandler): RequestHandler {
  const check = adminCheck(adminToken);
  return (request, response, next) => {
    check(request);
    return handler(request, response, next);
  };
}

// as many as fit where they are sent: 16 kB of headers with the URL, a body of 64 kB
const keysInQueryMax = 500;
const keysMax = 2_000;
const refusedMax = 1_000;
const commandRefs = z.array(z.strictObject({ key: id, commandId: z.uuid() })).max(700);

/** What `GET /admin/audit` is asked. */
export const inQuery = z.object({
  scenario: z.string(),
  key: z.union([id.transform(one => [one]), z.array(id).max(keysInQueryMax)]).optional(),
});

/** The id of a key, or what a call of the scenario names as its refusal: `therapist/request`. */
const refusedId = z
  .string()
  .regex(
    /^[1-9][0-9]{0,17}(\/[1-9][0-9]{0,17}){0,2}$/,
    'must be an id, or up to three joined by a slash',
  );

/** What `POST /admin/audit` is asked. */
export const inBody = z.strictObject({
  scenario: z.string(),
  keys: z.array(id).max(keysMax).optional(),
  acknowledged: commandRefs.default([]),
  denied: commandRefs.default([]),
  refusedKeys: z.array(refusedId).max(refusedMax).default([]),
});

/** `GET /admin/audit?scenario=…&key=…&key=…`: audits the rows alone; without a key, all of them. */
export function auditOfRows(registry: Registry, audit: Audit): RequestHandler {
  return async ({ query }: Request, response) => {
    const asked = parse(inQuery, query);
    const scenario = scenarioNamed(asked.scenario, registry);
    const claims = { keys: asked.key, acknowledged: [], denied: [], refusedKeys: [] };
    answer(response, 200, await audit(scenario, claims));
  };
}

/** `POST /admin/audit`: audits the rows against what callers were told. Read-only despite POST. */
export function auditOfClaims(registry: Registry, audit: Audit): RequestHandler {
  return async (request, response) => {
    const {
      scenario: name,
      keys: asked,
      ...claims
    } = parse(inBody, await readBody(request, response));
    const scenario = scenarioNamed(name, registry);
    answer(response, 200, await audit(scenario, { keys: asked, ...claims }));
  };
}

function scenarioNamed(name: string, { scenarios }: Registry): RegisteredScenario {
  const scenario = scenarios.get(name);
  if (scenario) return scenario;
  const message = `must be one of ${[...scenarios.keys()].join(', ')}`;
  throw new InvalidInput([{ path: 'scenario', message }]);
}
