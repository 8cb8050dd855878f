import { z } from 'zod';
import type { Example, Query, Route } from '../contract/index.ts';
import { parse } from './input.ts';

/** For a path without parameters. */
export const noParams = z.object({});

/** For a command that is told by its path alone. */
export const noBody = z.strictObject({}).optional();

interface Authored<P, A> extends Pick<Route, 'path' | 'title'> {
  readonly params: z.ZodType<P>;
  readonly answer: z.ZodType<A>;
  readonly example: Example & { readonly answer: NoInfer<A> };
}

interface AuthoredGet<P, A> extends Authored<P, A> {
  handle(params: P, query: Query): Promise<NoInfer<A>>;
}

interface AuthoredPost<P, B, A> extends Authored<P, A> {
  readonly status: Route['status'];
  readonly body: z.ZodType<B>;
  handle(sent: { readonly params: P; readonly body: B }, query: Query): Promise<NoInfer<A>>;
}

/** A route that shows something: its path is parsed as it is documented. */
export function getRoute<P, A extends object>(authored: AuthoredGet<P, A>): Route {
  const { path, title, params, answer, example } = authored;
  return {
    method: 'get',
    path,
    title,
    params,
    status: 200,
    answer,
    example,
    async handle(input, query) {
      return { status: 200, body: await authored.handle(parse(params, input.params), query) };
    },
  };
}

/** A route that makes something: its path and its body are parsed as they are documented. */
export function postRoute<P, B, A extends object>(authored: AuthoredPost<P, B, A>): Route {
  const { path, title, params, body, status, answer, example } = authored;
  return {
    method: 'post',
    path,
    title,
    params,
    body,
    status,
    answer,
    example,
    async handle(input, query) {
      const sent = { params: parse(params, input.params), body: parse(body, input.body) };
      return { status, body: await authored.handle(sent, query) };
    },
  };
}
