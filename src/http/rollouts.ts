import { isDeepStrictEqual } from 'node:util';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { RegisteredScenario } from '../engine/registry.ts';
import { summaryOf } from '../rollout/gate/arms.ts';
import type { Gate } from '../rollout/gate/gate.ts';
import { gateShape } from '../rollout/gate/settings.ts';
import { strategyNamed } from '../rollout/named.ts';
import { entered } from '../rollout/next-step.ts';
import { wayOf } from '../rollout/plan.ts';
import {
  type Action,
  type Next,
  type Rollout,
  type Rollouts,
  stepsShape,
} from '../rollout/rollouts.ts';
import { shadowName } from '../rollout/shadow.ts';
import type { Start } from '../rollout/start-check.ts';
import type { Behind } from '../rollout/view.ts';
import { parse } from '../scenarios/input.ts';
import { answer, Problem } from './answer.ts';
import { readBody } from './body.ts';
import { type ChoiceOptions, reasonAgainst } from './choice.ts';
import { contendedRoutes } from './routes.ts';

/** What the routes of a rollout need. */
export interface RolloutParts {
  readonly choice: ChoiceOptions;
  readonly rollouts: Rollouts;
  readonly gate: Pick<Gate, 'last' | 'counts'>;
  /** Processes that do not know the newest assignment. */
  readonly behind: () => Promise<readonly Behind[]>;
  /** Whether keys of the variant are assigned to strategies. */
  readonly assigned: (scenario: string, variant: string) => boolean;
  /** Why a rollout may not start now: processes that do not prove, say. */
  readonly notNow: (asked: Start) => Promise<string | undefined>;
}

const text = z.string().trim().min(1).max(200);
const by = { who: text, why: text };

/** What a start says. */
export const begun = z.strictObject({
  ...by,
  variant: text.optional(),
  from: text,
  to: text,
  steps: stepsShape,
  gate: gateShape.prefault({}),
  lab: z.boolean().default(false),
  acknowledge: z.literal('effects outside').optional(),
});

/** What every other action says. */
export const acted = z.strictObject({ ...by, variant: text.optional() });

/** Which variant is asked for. */
export const ofVariant = z.object({ variant: text.optional() });

/** `PUT /admin/rollouts/:scenario`: starts one; the same again answers with the one that runs. */
export function startRollout(parts: RolloutParts): RequestHandler {
  return async (request: Request, response) => {
    const scenario = scenarioOf(parts, request);
    const asked = parse(begun, await readBody(request, response));
    const { from, to, steps, gate, who, why } = asked;
    const variant = variantOf(scenario, asked.variant);
    const refused = reasonOf(parts, scenario, { ...asked, variant });
    if (refused !== undefined) throw new Problem('rollout-refused', `${refused}.`);
    const place = { scenario: scenario.name, variant };
    const running = await parts.rollouts.newest(place.scenario, variant);
    if (running && isActive(running)) {
      if (!isSame(running, { from, to, steps, gate })) throw new Problem('rollout-in-progress');
      return answer(response, 200, await told(parts, running));
    }
    const later = await parts.notNow({ ...place, from, to });
    if (later !== undefined) throw new Problem('rollout-refused', later);
    const action = { who, why, action: `start: ${from} -> ${to}` };
    const first = entered(steps, 0, 0, 0);
    const made = await parts.rollouts.begin({ ...place, from, to, steps, gate }, first, [
      action,
      {
        who: 'lockstep',
        action: first.shadow ? `step 1: shadow ${first.shadow}` : `step 1: weight ${first.weight}`,
        why: 'the rollout starts',
      },
    ]);
    if (!made) throw new Problem('rollout-in-progress');
    answer(response, 201, await told(parts, made));
  };
}

/** `GET /rollouts/:scenario/verdict`: what its gate says, for whoever decides by it. */
export function judgeRollout(parts: RolloutParts): RequestHandler {
  return async (request: Request, response) => {
    const asked = scenarioOf(parts, request);
    const rollout = await newest(parts, asked, parse(ofVariant, request.query).variant);
    const [verdict, counts] = await Promise.all([
      parts.gate.last(rollout),
      parts.gate.counts(rollout),
    ]);
    const { scenario, variant, from, to, stage, weight, shadow } = rollout;
    const arms = Object.fromEntries(counts.map(one => [one.arm, summaryOf(one)]));
    const told = { scenario, variant, from, to, stage, weight, shadow, ...verdict, arms };
    answer(response, 200, told);
  };
}

/** `GET /admin/rollouts/:scenario`: the one that runs, or the last one, with its log. */
export function showRollout(parts: RolloutParts): RequestHandler {
  return async (request: Request, response) => {
    const scenario = scenarioOf(parts, request);
    const { variant } = parse(ofVariant, request.query);
    answer(response, 200, await told(parts, await newest(parts, scenario, variant)));
  };
}

const actions: Readonly<Record<string, (rollout: Rollout) => Next | undefined>> = {
  pause: ({ stage, step, weight, shadow }) =>
    stage === 'progressing' || stage === 'paused'
      ? { step, weight, shadow, stage: 'paused' }
      : undefined,
  resume: ({ stage, steps, step, weight, shadow }) => {
    if (stage !== 'paused') return undefined;
    const waits = steps[step] !== undefined && 'pause' in steps[step];
    return waits
      ? entered(steps, step + 1, weight, shadow)
      : { step, weight, shadow, stage: 'progressing' };
  },
  promote: ({ stage, steps }) =>
    stage === 'progressing' || stage === 'paused'
      ? { step: steps.length, weight: 100, stage: 'progressing', waived: true }
      : undefined,
  abort: ({ stage, step }) =>
    stage === 'progressing' || stage === 'paused'
      ? { step, weight: 0, stage: 'aborting' }
      : undefined,
};

/** What a person can do to a rollout. */
export const actionNames: readonly string[] = Object.keys(actions);

/** `POST /admin/rollouts/:scenario/pause`, and so on. Repeated, it answers as the first time. */
export function actOnRollout(parts: RolloutParts, action: string): RequestHandler {
  return async (request: Request, response) => {
    const scenario = scenarioOf(parts, request);
    const { who, why, variant } = parse(acted, await readBody(request, response));
    const rollout = await newest(parts, scenario, variant);
    const next = actions[action]?.(rollout);
    if (!next) return answer(response, 200, await told(parts, rollout)); // it is there, or over
    const moved = await parts.rollouts.become(rollout, next, { who, why, action });
    if (!moved) throw new Problem('rollout-moved-on');
    answer(response, 200, await told(parts, moved));
  };
}

function isActive({ stage }: Rollout): boolean {
  return stage === 'progressing' || stage === 'paused' || stage === 'aborting';
}

function isSame(running: Rollout, asked: Pick<Rollout, 'from' | 'to' | 'steps' | 'gate'>): boolean {
  const { from, to, steps, gate } = running;
  return isDeepStrictEqual({ from, to, steps, gate }, asked);
}

async function told({ rollouts, gate, behind }: RolloutParts, rollout: Rollout) {
  const log: readonly Action[] = await rollouts.history(rollout);
  const { verdict, reasons } = await gate.last(rollout);
  return { ...rollout, verdict, reasons, behind: isActive(rollout) ? await behind() : [], log };
}

async function newest(
  { rollouts }: RolloutParts,
  scenario: RegisteredScenario,
  variant: string | undefined,
): Promise<Rollout> {
  const found = await rollouts.newest(scenario.name, variant);
  if (!found) throw new Problem('no-rollout');
  return found;
}

function scenarioOf({ choice }: RolloutParts, { params }: Request): RegisteredScenario {
  const scenario = choice.registry.scenarios.get(String(params.scenario));
  if (!scenario)
    throw new Problem('unknown-scenario', undefined, {
      names: [...choice.registry.scenarios.keys()],
    });
  return scenario;
}

function variantOf({ registered }: RegisteredScenario, name: string | undefined): string {
  const names = Object.keys(registered.variants);
  const variant = name ?? names[0] ?? '';
  if (!names.includes(variant)) throw new Problem('unknown-variant', undefined, { names });
  return variant;
}

function reasonOf(
  { choice }: RolloutParts,
  { registered }: RegisteredScenario,
  asked: z.infer<typeof begun> & { readonly variant: string },
): string | undefined {
  const variant = registered.variants[asked.variant];
  if (!variant) return `there is no variant '${asked.variant}'`;
  const found = [asked.from, asked.to].map(name => strategyNamed(choice.registry, name));
  const named = found.flatMap(one => ('strategy' in one ? [one.strategy] : []));
  const [from, to] = named;
  if (!from || !to || named.length < 2) {
    const names = [...choice.registry.strategies.keys()];
    throw new Problem('unknown-strategy', undefined, { names });
  }
  const { lab: hazardAllowed, acknowledge } = asked;
  const outsideAcknowledged = acknowledge !== undefined;
  const { way, because } = wayOf({ from, to, variant, hazardAllowed, outsideAcknowledged });
  if (way === 'impossible') return because;
  const elsewhere = contendedRoutes(registered).find(
    ({ variants }) => !(asked.variant in variants),
  );
  if (elsewhere)
    return `POST ${elsewhere.path} decides the same rows in a variant of its own, which would not move`;
  const shadows = asked.steps.flatMap((step, index) => ('setShadow' in step ? [index] : []));
  const weighs = asked.steps.findIndex(step => 'setWeight' in step && step.setWeight > 0);
  if (weighs >= 0 && shadows.some(index => index > weighs))
    return 'a new lock is tried before it decides: put setShadow before setWeight';
  const tried = strategyNamed(choice.registry, shadowName(from.name, to.name));
  if (shadows.length > 0 && 'refused' in tried) return tried.refused;
  const offered = (strategy: typeof to) =>
    reasonAgainst({ strategy, variant: asked.variant }, registered.variants, choice.missing);
  return offered(to) ?? offered(from);
}
