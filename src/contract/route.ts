import type { ZodType } from 'zod';
import type { Query } from './tx.ts';

/** A request as the HTTP layer passes it on, not yet validated. */
export interface Input {
  readonly params: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** What a route is sent. The same schemas validate it and document it (`GET /openapi.json`). */
export interface Takes {
  /** The parameters of its path, by name. Undefined: the path has none. */
  readonly params?: ZodType;
  /** Undefined where no body is read. */
  readonly body?: ZodType;
}

/**
 * A request of the documentation. A test sends all those of a scenario to an empty database: first
 * to the routes that post, then to the contended ones, then to those that get, each in their order.
 */
export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: object;
}

/** A route without contention: creates or shows what the contended route works on. */
export interface Route extends Takes {
  readonly method: 'get' | 'post';
  readonly path: string;
  readonly title: string;
  /** The status of its answer. */
  readonly status: 200 | 201;
  /** The body of its answer. */
  readonly answer: ZodType;
  readonly example: Example & { readonly answer: object };
  /** Throws `InvalidInput` or `NotFound`. `query` runs inside one transaction. */
  handle(input: Input, query: Query): Promise<{ readonly status: number; readonly body: object }>;
}

/** What the callers of a contended route send, and what its rule may tell them. */
export interface Form extends Takes {
  /** Every reason for which the rule refuses, and what it means to the caller, as a sentence. */
  readonly refusals: Readonly<Record<string, string>>;
  /** The first is accepted by the first variant of the route. */
  readonly examples: readonly FormExample[];
}

export interface FormExample extends Example {
  /** The id under which the audit files it. */
  readonly key: string;
  /** As the rule decides: the id of the effect, or the reason. */
  readonly decision: { readonly accepted: string } | { readonly refused: string };
}
