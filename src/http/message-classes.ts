import { IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';

/** For `createServer`: what requests and responses are made from. */
export interface MessageClasses {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
}

/**
 * Express sets the prototypes of each request and response to its own, and V8 no longer knows the
 * shape of an object whose prototype was changed: every access to it is slow from then on. A server
 * that makes them with these prototypes from the start leaves Express nothing to change.
 */
export function messageClasses(app: Express): MessageClasses {
  class AppRequest extends IncomingMessage {}
  class AppResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {}
  Object.setPrototypeOf(AppRequest.prototype, app.request);
  Object.setPrototypeOf(AppResponse.prototype, app.response);
  Object.assign(app, { request: AppRequest.prototype, response: AppResponse.prototype });
  return { IncomingMessage: AppRequest, ServerResponse: AppResponse };
}
