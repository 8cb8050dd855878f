import express, { type Express, type RequestHandler, type Response } from 'express';
import type { Logger } from 'pino';
import { pinoHttp } from 'pino-http';
import type { Registered, Route } from '../contract/index.ts';
import type { Engine } from '../engine/serve.ts';
import type { Tracer } from '../engine/trace.ts';
import type { Store } from '../store/store.ts';
import type { CommandHistory } from '../telemetry/history.ts';
import { type Audit, adminOnly, auditOfClaims, auditOfRows } from './admin.ts';
import { type LockParts, lockReleased, lockShown } from './admin-locks.ts';
import { answer, answerProblem, Problem } from './answer.ts';
import { readBody } from './body.ts';
import type { ChoiceOptions } from './choice.ts';
import { contended } from './contended.ts';
import { problemOf } from './errors.ts';
import { type Evidence, violationsFound } from './evidence.ts';
import type { Health } from './health.ts';
import { type EvaluationParts, evaluateFlag, evaluateFlags } from './ofrep.ts';
import { openApiDocument } from './openapi/document.ts';
import { problemPage, problemPages } from './problems.ts';
import { identify } from './request-id.ts';
import {
  actionNames,
  actOnRollout,
  judgeRollout,
  type RolloutParts,
  showRollout,
  startRollout,
} from './rollouts.ts';
import { contendedRoutes } from './routes.ts';

/** What the HTTP layer needs from the service. */
export interface AppParts {
  readonly choice: ChoiceOptions;
  readonly engine: Pick<Engine, 'serve'>;
  /** For the routes without contention. */
  readonly store: Store;
  readonly log: Logger;
  readonly health: () => Promise<Health>;
  /** The metrics of all processes, in text format. */
  readonly metricsPage: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** Grants access to the admin routes; undefined disables them. */
  readonly adminToken: string | undefined;
  readonly audit: Audit;
  /** Findings of the live audit. */
  readonly evidence: Evidence;
  /** What operators may see of locks; undefined: nothing. */
  readonly locks: LockParts | undefined;
  /** Where every command is noted; undefined: nowhere. */
  readonly history: Pick<CommandHistory, 'note'> | undefined;
  /** Where keys can be moved from strategy to strategy. */
  readonly rollout?: RolloutParts & EvaluationParts;
  readonly tracer: Tracer | undefined;
  /** True while the process drains; keep-alive is off then. */
  readonly stopping: () => boolean;
  /** Told of each failure of a route without contention. */
  readonly failed: (error: unknown) => void;
}

type Method = 'get' | 'post' | 'put';
type Handlers = Partial<Record<Method, RequestHandler>>;

/** The HTTP interface, derived from the registry: no scenario or strategy is known by name here. */
export function createApp(parts: AppParts): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.use((request, response, next) => {
    identify(request, response);
    if (parts.stopping()) response.setHeader('connection', 'close');
    if (request.url.includes('%00')) throw new Problem('malformed-request'); // no store takes a NUL
    next();
  });
  if (parts.log.isLevelEnabled('debug')) app.use(requestLog(parts.log));
  const routes = new Map<string, Handlers>();
  const add = (method: Method, path: string, handler: RequestHandler): void => {
    routes.set(path, { ...routes.get(path), [method]: handler });
  };
  addScenarios(parts, add);
  addService(parts, add);
  addAdmin(parts, add);
  let document: object | undefined; // made for whoever asks first: it costs more than a start
  add('get', '/openapi.json', (_request, response) => {
    document ??= openApiDocument(parts.choice, { rollouts: parts.rollout !== undefined });
    answer(response, 200, document);
  });
  add('get', '/', (_request, response) => answer(response, 200, indexOf(parts)));
  for (const [path, handlers] of routes) mount(app, path, handlers);
  app.use(() => {
    throw new Problem('route-not-found');
  });
  app.use(problemOf(parts.log, parts.failed));
  return app;
}

type Add = (method: Method, path: string, handler: RequestHandler) => void;

function addScenarios(parts: AppParts, add: Add): void {
  const { choice, store } = parts;
  for (const scenario of choice.registry.scenarios.values()) {
    const { routes } = scenario.registered;
    for (const { path } of contendedRoutes(scenario.registered))
      add('post', path, contended(scenario, path, parts));
    for (const route of routes) add(route.method, route.path, uncontended(route, store));
  }
}

function uncontended(route: Route, store: Store): RequestHandler {
  return async (request, response) => {
    const body = route.method === 'post' ? await readBody(request, response) : undefined;
    const input = { params: request.params, body };
    const made = await store.transact(query => route.handle(input, query));
    answer(response, made.status, made.body);
  };
}

function addService(parts: AppParts, add: Add): void {
  add('get', '/livez', (_request, response) => answer(response, 200, { status: 'alive' }));
  add('get', '/readyz', async (_request, response) => {
    const { ready, checks, warnings } = await parts.health();
    const told = warnings.length > 0 ? { checks, warnings } : { checks };
    if (ready) answer(response, 200, { status: 'ready', ...told });
    else answerProblem(response, 'not-ready', undefined, told);
  });
  add('get', '/metrics', async (_request, response: Response) => {
    const { contentType, text } = await parts.metricsPage();
    response.writeHead(200, { 'content-type': contentType }).end(text);
  });
  add('get', '/problems', (_request, response) =>
    answer(response, 200, { problems: problemPages }),
  );
  add('get', '/problems/:code', ({ params }, response) => {
    const page = problemPage(String(params.code));
    if (!page) throw new Problem('not-found', 'There is no problem type with this name.');
    answer(response, 200, page);
  });
}

function addAdmin(parts: AppParts, add: Add): void {
  const { adminToken, audit, evidence, choice, locks, rollout } = parts;
  add('get', '/admin/violations', adminOnly(adminToken, violationsFound(evidence)));
  add('get', '/admin/audit', adminOnly(adminToken, auditOfRows(choice.registry, audit)));
  add('post', '/admin/audit', adminOnly(adminToken, auditOfClaims(choice.registry, audit)));
  if (locks) {
    add('get', '/admin/locks/:key', adminOnly(adminToken, lockShown(locks)));
    add('post', '/admin/locks/:key/release', adminOnly(adminToken, lockReleased(locks)));
  }
  if (!rollout) return;
  add('get', '/rollouts/:scenario/verdict', judgeRollout(rollout));
  add('post', '/ofrep/v1/evaluate/flags', evaluateFlags(rollout));
  add('post', '/ofrep/v1/evaluate/flags/:flag', evaluateFlag(rollout));
  const path = '/admin/rollouts/:scenario';
  add('put', path, adminOnly(adminToken, startRollout(rollout)));
  add('get', path, adminOnly(adminToken, showRollout(rollout)));
  for (const action of actionNames)
    add('post', `${path}/${action}`, adminOnly(adminToken, actOnRollout(rollout, action)));
}

function mount(app: Express, path: string, handlers: Handlers): void {
  const { get, post, put } = handlers;
  const route = app.route(path);
  if (get) route.get(get);
  if (post) route.post(post);
  if (put) route.put(put);
  const allowed = [...(get ? ['GET', 'HEAD'] : []), post && 'POST', put && 'PUT'];
  const allow = allowed.filter(Boolean).join(', ');
  route.all((_request, response) => {
    response.setHeader('allow', allow);
    throw new Problem('method-not-allowed', `Allowed methods: ${allow}.`);
  });
}

function indexOf({ choice: { registry, strategy, headersAllowed } }: AppParts): object {
  const routesOf = (registered: Registered): object[] => [
    ...contendedRoutes(registered).map(({ path, title }) => ({
      ...{ method: 'POST', path, title, contended: true },
    })),
    ...registered.routes.map(route => ({
      method: route.method.toUpperCase(),
      path: route.path,
      title: route.title,
    })),
  ];
  return {
    name: 'lockstep',
    strategy: strategy.name,
    ...(headersAllowed && { strategies: [...registry.strategies.keys()] }),
    scenarios: [...registry.scenarios.values()].map(({ name, registered }) => ({
      name,
      title: registered.title,
      variants: Object.keys(registered.variants),
      routes: routesOf(registered),
    })),
    links: ['/livez', '/readyz', '/metrics', '/problems', '/openapi.json'],
  };
}

/** One line per request, at debug level only: it costs more than the validation. */
function requestLog(log: Logger): RequestHandler {
  const line = pinoHttp({
    logger: log,
    genReqId: (_request, response) => String(response.getHeader('x-request-id')),
    customLogLevel: () => 'debug',
    quietReqLogger: true,
    serializers: {
      req: ({ id, method, url }) => ({ id, method, url }),
      res: ({ statusCode }) => ({ statusCode }),
    },
  });
  return (request, response, next) => line(request, response, next);
}
