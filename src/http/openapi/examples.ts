import type { Form, FormExample, Registered, Route } from '../../contract/index.ts';
import { problemRow, typeOf } from '../problems.ts';
import { contendedRoutes } from '../routes.ts';

/** Each answer has ids of its own where these stand. */
const commandId = '7d5f7e0c-3f0e-4d0b-8a3c-2a1e5c9b6f01';
const requestId = '1c9a4b7e-6d2f-4f53-9a58-0b6f6b1d8e02';

/** A request with its answer on an empty database. */
export interface Documented {
  readonly method: 'get' | 'post';
  /** With its parameters filled in. */
  readonly url: string;
  readonly body: object | undefined;
  readonly status: number;
  readonly answer: object;
}

/** The examples of a scenario, in the order in which they are true. */
export function documentedExamples(registered: Registered): readonly Documented[] {
  const routesOf = (method: Route['method']): readonly Documented[] =>
    registered.routes
      .filter(route => route.method === method)
      .map(({ path, status, example: { params = {}, body, answer } }) => ({
        ...{ method, url: filled(path, params), body, status, answer },
      }));
  const contended = contendedRoutes(registered).flatMap(({ path, form }) =>
    form.examples.map(example => ({
      method: 'post' as const,
      url: filled(path, example.params ?? {}),
      body: example.body,
      ...answerOf(example),
    })),
  );
  return [...routesOf('post'), ...contended, ...routesOf('get')];
}

/** The bodies of a form's examples, by name; none where a command is told by its path alone. */
export function bodyExamples({ examples }: Form): Readonly<Record<string, { value: object }>> {
  return Object.fromEntries(
    examples.flatMap(({ body, decision }) =>
      body === undefined ? [] : [[nameOf(decision), { value: body }]],
    ),
  );
}

/** The answers of a form's examples with that status, by name. */
export function answerExamples(
  { examples }: Form,
  status: number,
): Readonly<Record<string, { value: object }>> {
  return Object.fromEntries(
    examples
      .map(example => [nameOf(example.decision), answerOf(example)] as const)
      .filter(([, told]) => told.status === status)
      .map(([name, { answer }]) => [name, { value: answer }]),
  );
}

const nameOf = (decision: FormExample['decision']): string =>
  'accepted' in decision ? 'accepted' : decision.refused.replaceAll(' ', '-');

function answerOf({ key, decision }: FormExample): Pick<Documented, 'status' | 'answer'> {
  const ended = { key, commandId, attempts: 1 };
  if ('accepted' in decision)
    return { status: 201, answer: { outcome: 'accepted', id: decision.accepted, ...ended } };
  const { refused: reason } = decision;
  const { status, title } = problemRow('refused');
  const detail = `The operation was refused: ${reason}.`;
  const problem = { type: typeOf('refused'), title, status, detail };
  return { status, answer: { ...problem, outcome: 'refused', reason, ...ended, requestId } };
}

function filled(path: string, params: Readonly<Record<string, string>>): string {
  return path.replace(/:(\w+)/g, (_, name: string) => params[name] ?? '');
}
