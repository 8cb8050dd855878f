import type { Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { failures, isFailure } from '../contract/index.ts';
import { newCommandId } from '../engine/command-id.ts';
import { reasonAgainstKey } from '../engine/idempotency.ts';
import type { RegisteredScenario } from '../engine/registry.ts';
import type { Engine, Served } from '../engine/serve.ts';
import { answer, answerProblem, Problem } from './answer.ts';
import { readBody } from './body.ts';
import { type ChoiceOptions, chooser } from './choice.ts';
import { idempotencyOf } from './idempotency.ts';

/** The contended route at `path`, for all variants served there: one request is one command. */
export function contended(
  engine: Pick<Engine, 'serve'>,
  scenario: RegisteredScenario,
  path: string,
  options: ChoiceOptions,
  log: Logger,
): RequestHandler {
  const there = Object.entries(scenario.registered.variants).filter(([, one]) => one.path === path);
  const choose = chooser(options, Object.fromEntries(there));
  return async (request: Request, response: Response) => {
    const fromUs = nowUs();
    response.setHeader('lock-strategy', options.strategy.name);
    const { strategy, variant } = choose(request);
    if (strategy !== options.strategy) response.setHeader('lock-strategy', strategy.name);
    const body = await readBody(request, response);
    const commandId = newCommandId(strategy.name);
    const input = { params: request.params, body };
    const idempotency = idempotencyOf(request, path, input);
    const against = idempotency && reasonAgainstKey(strategy.declared);
    if (against) throw new Problem('idempotency-not-offered', `${strategy.name}: ${against}.`);
    const served = await engine.serve({
      ...{ scenario, variant, strategy, commandId, input },
      ...(idempotency && { idempotency }),
    });
    if (served.replayed) response.setHeader('idempotent-replayed', 'true');
    if (isUnexpected(served)) {
      const requestId = response.getHeader('x-request-id');
      log.error(
        { err: served.error, requestId, commandId, strategy: strategy.name },
        'command failed',
      );
    }
    if (options.headersAllowed) response.setHeader('command-worked-us', `${fromUs}-${nowUs()}`);
    tell(response, served, served.replayed?.commandId ?? commandId);
  };
}

/** Whatever the caller is told, the log has the error that nobody foresaw. */
function isUnexpected({ outcome: { kind }, error }: Served): boolean {
  const code = isFailure(error) ? error.code : 'internal-error';
  return (kind === 'failed' || kind === 'unknown') && !!error && code === 'internal-error';
}

/**
 * Microseconds on the machine's monotonic clock, shared by all its processes: shows whether two of
 * them worked on commands at the same time.
 */
function nowUs(): bigint {
  return process.hrtime.bigint() / 1_000n;
}

function tell(response: Response, { outcome, auditKey: key }: Served, commandId: string): void {
  const { kind, attempts, detail } = outcome;
  if (kind === 'accepted')
    answer(response, 201, { outcome: kind, id: detail, key, commandId, attempts });
  else if (kind === 'refused')
    answerProblem(response, 'refused', `The operation was refused: ${detail}.`, {
      outcome: kind,
      reason: detail,
      key,
      commandId,
      attempts,
    });
  else
    answerProblem(response, detail, failures[detail].meaning, {
      outcome: kind,
      key,
      commandId,
      attempts,
    });
}
