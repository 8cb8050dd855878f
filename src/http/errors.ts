import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import { failures, InvalidInput, isFailure, NotFound } from '../contract/index.ts';
import { KeyRefused } from '../engine/idempotency.ts';
import { answerProblem, Problem } from './answer.ts';

/**
 * Turns whatever a route throws into problem details; unexpected errors are logged and become a
 * 500.
 */
export function problemOf(log: Logger, failed: (error: unknown) => void): ErrorRequestHandler {
  return (error: unknown, request, response, _next) => {
    if (error instanceof Problem) answerProblem(response, error.code, error.detail, error.members);
    else if (error instanceof InvalidInput)
      answerProblem(response, 'invalid-input', undefined, { issues: error.issues });
    else if (error instanceof KeyRefused)
      answerProblem(
        response,
        error.reason === 'in flight' ? 'idempotency-in-flight' : 'idempotency-key-reused',
        undefined,
      );
    else if (error instanceof NotFound)
      answerProblem(response, 'not-found', sentence(error.message));
    else if (isFailure(error) && error.code !== 'internal-error') {
      failed(error);
      // it may be our own arithmetic: whoever looks for it finds it
      if (error.code === 'value-rejected')
        log.warn({ err: error, url: request.url }, 'a value was rejected');
      answerProblem(response, error.code, failures[error.code].meaning);
    }
    // thrown by Express for a URL with an invalid percent escape
    else if (error instanceof URIError) answerProblem(response, 'malformed-request', undefined);
    else {
      const requestId = response.getHeader('x-request-id');
      log.error(
        { err: error, requestId, method: request.method, url: request.url },
        'unexpected error',
      );
      answerProblem(response, 'internal-error', undefined);
    }
  };
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
