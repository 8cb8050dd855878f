/** The service's configuration from environment variables; all problems are reported at once. */
import { delimiter, resolve } from 'node:path';
import { z } from 'zod';
import type { Tuning } from './contract/index.ts';
import { postgresPlaces } from './store/postgres-url.ts';
import { isPlainRedis, redisAddress, redisForms } from './store/redis-url.ts';
import { percentHint } from './store-url.ts';

const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** The whole configuration of the service. */
export interface Config {
  /** Unset: temporary servers are started for this run. */
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly redisNodeUrls: readonly string[];
  /** True behind a pooler in transaction mode. */
  readonly pooler: boolean;
  readonly host: string;
  /** Shared by all processes; process i also listens on port + i. 0: any free ports. */
  readonly port: number;
  readonly processes: number;
  readonly strategy: string;
  /** External strategies, as absolute paths. */
  readonly strategyFiles: readonly string[];
  /** For lab use: requests may choose their strategy and variant. */
  readonly allowStrategyHeader: boolean;
  /** A folder for the history of commands; undefined: none is kept. */
  readonly commandHistory: string | undefined;
  readonly tuning: Tuning;
  /** Per process, for work. */
  readonly connectionsMax: number;
  /** Per process, for session locks. */
  readonly lockConnectionsMax: number;
  /** Per process and key: commands that wait to be let in; see `BulkheadLimits`. */
  readonly waitersPerKey: number;
  /** Per process: commands that wait or work. */
  readonly commandsMax: number;
  /** HTTP connections per process; undefined: what its limit of open files leaves. */
  readonly httpConnectionsMax: number | undefined;
  /** After SIGTERM it is not ready for so long, and serves, before it stops to listen. */
  readonly lameDuckMs: number;
  /** A process that takes no connection for so long is replaced; 0: never. */
  readonly stuckMs: number;
  /** Connect timeout for Postgres, and so the delay until an outage is noticed. */
  readonly connectTimeoutMs: number;
  /** Minimum retention of an answer under its idempotency key. */
  readonly idempotencyKeptMs: number;
  readonly adminToken: string | undefined;
  readonly logLevel: (typeof logLevels)[number];
}

/** All problems of the environment, as sentences that name the variable and the expected value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.map(problem => `- ${problem}`).join('\n'));
    this.problems = problems;
  }
}

/**
 * A text field. `read` returns the value, or undefined if it is invalid; `expected` describes it.
 */
function field<T>(read: (text: string) => T | undefined, expected: string, secret = false) {
  return z.string().transform((text, context) => {
    const value = read(text.trim());
    if (value !== undefined) return value;
    const got = secret ? 'is invalid' : `is ${JSON.stringify(text)}`;
    context.issues.push({ code: 'custom', message: `${got}; expected ${expected}`, input: text });
    return z.NEVER;
  });
}

function wholeNumber(min: number, max: number) {
  return field(text => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return number >= min && number <= max ? number : undefined;
  }, `a whole number from ${min} to ${max}`);
}

const stuckMs = field(text => {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return number === 0 || (number >= 1_000 && number <= 600_000) ? number : undefined;
}, 'a whole number from 1000 to 600000, or 0 to never replace a process');

function oneOf<const T extends string>(words: readonly T[]) {
  return field(text => words.find(word => word === text), `one of ${words.join(', ')}`);
}

const databaseUrl = field(
  text => (postgresPlaces(text) ? text : undefined),
  `a URL of the form postgres://user:password@host:5432/database, ${percentHint}; ` +
    'postgresql:///database?host=/folder for a Unix socket; up to 8 hosts, separated by commas, only with ' +
    '?target_session_attrs=read-write',
  true,
);

const redisUrl = field(
  text => (redisAddress(text) ? text : undefined),
  `a URL of the form ${redisForms}, ${percentHint}`,
  true,
);

/** With an even number of nodes votes can split forever; fewer than three tolerate no failure. */
const redisNodes = field(
  text => {
    const urls = text.split(',').map(url => url.trim());
    const distinct = new Set(urls).size === urls.length;
    const countable = urls.length >= 3 && urls.length % 2 === 1;
    return countable && distinct && urls.every(isPlainRedis) ? urls : undefined;
  },
  `an odd number (at least 3) of distinct URLs of the form redis://host:6379, ${percentHint}, separated by commas ` +
    '(with an even number the votes can split in half, and nobody gets the lock)',
  true,
);

const flag = oneOf(['0', '1']).transform(text => text === '1');

const shape = z.object({
  DATABASE_URL: databaseUrl.optional(),
  REDIS_URL: redisUrl.optional(),
  REDIS_NODES: redisNodes.default([]),
  DATABASE_POOLER: oneOf(['transaction', 'none']).default('none'),
  DATABASE_CONNECTIONS: wholeNumber(1, 1_000).default(10),
  LOCK_CONNECTIONS: wholeNumber(1, 1_000).default(10),
  WAITERS_PER_KEY: wholeNumber(0, 100_000).default(1_000),
  COMMANDS_MAX: wholeNumber(1, 100_000).default(4_000),
  HTTP_CONNECTIONS: wholeNumber(1, 1_000_000).optional(),
  CONNECT_TIMEOUT_MS: wholeNumber(10, 60_000).default(400),
  HOST: field(
    text => (/^[\w.:-]+$/.test(text) ? text : undefined),
    'an address, such as 127.0.0.1',
  ).default('127.0.0.1'),
  PORT: wholeNumber(0, 65_535).default(3_000),
  PROCESSES: wholeNumber(1, 64).default(1),
  LAME_DUCK_MS: wholeNumber(0, 60_000).default(3_000),
  STUCK_MS: stuckMs.default(15_000),
  STRATEGY: field(
    text => (/^[a-z0-9-]+$|^both:[a-z0-9-]+\+[a-z0-9-]+$/.test(text) ? text : undefined),
    'a strategy, such as row-lock, or two, such as both:row-lock+redis-lease',
  ).default('row-lock'),
  STRATEGY_FILES: z
    .string()
    .transform(text => text.split(delimiter).filter(path => path !== ''))
    .transform(paths => paths.map(path => resolve(path)))
    .default([]),
  ALLOW_STRATEGY_HEADER: flag.default(false),
  COMMAND_HISTORY: z
    .string()
    .transform(path => resolve(path))
    .optional(),
  WAIT_MS: wholeNumber(1, 60_000).default(5_000),
  LEASE_MS: wholeNumber(20, 600_000).default(10_000),
  EXTEND_LEASE: flag.default(true),
  ATTEMPTS_MAX: wholeNumber(1, 100).default(10),
  IDEMPOTENCY_HOURS: wholeNumber(1, 720).default(24),
  ADMIN_TOKEN: field(
    text => (text.length >= 16 ? text : undefined),
    'at least 16 characters that are hard to guess',
    true,
  ).optional(),
  LOG_LEVEL: oneOf(logLevels).default('info'),
});

/** The names of all variables. */
export const variableNames: readonly string[] = Object.keys(shape.shape);

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment; an empty variable counts as unset. Throws `ConfigError`. */
export function readConfig(environment: Environment): Config {
  const read = shape.safeParse(setIn(environment));
  const problems = [
    ...(read.error?.issues.map(issue => `${issue.path.join('.')} ${issue.message}`) ?? []),
    ...portProblems(environment),
  ];
  if (!read.success || problems.length > 0) throw new ConfigError(problems);
  return configOf(read.data);
}

/**
 * The external strategies, even if other variables are invalid, so that all problems show at once.
 */
export function strategyFilesOf(environment: Environment): readonly string[] {
  return shape.pick({ STRATEGY_FILES: true }).parse(setIn(environment)).STRATEGY_FILES;
}

function setIn(environment: Environment): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(environment).filter(([, text]) => text));
}

function portProblems(environment: Environment): string[] {
  const read = shape.pick({ PORT: true, PROCESSES: true }).safeParse(setIn(environment));
  if (!read.success || read.data.PORT === 0) return [];
  const portsEnd = read.data.PORT + read.data.PROCESSES;
  if (portsEnd <= 65_535) return [];
  return [
    `PORT + PROCESSES is ${portsEnd}, but every process listens on its own port above PORT; ` +
      'use a lower PORT, or 0 for free ports',
  ];
}

function configOf(data: z.infer<typeof shape>): Config {
  return {
    databaseUrl: data.DATABASE_URL,
    redisUrl: data.REDIS_URL,
    redisNodeUrls: data.REDIS_NODES,
    pooler: data.DATABASE_POOLER === 'transaction',
    host: data.HOST,
    port: data.PORT,
    processes: data.PROCESSES,
    strategy: data.STRATEGY,
    strategyFiles: data.STRATEGY_FILES,
    allowStrategyHeader: data.ALLOW_STRATEGY_HEADER,
    commandHistory: data.COMMAND_HISTORY,
    tuning: {
      waitMs: data.WAIT_MS,
      leaseMs: data.LEASE_MS,
      extendLease: data.EXTEND_LEASE,
      attemptsMax: data.ATTEMPTS_MAX,
    },
    connectionsMax: data.DATABASE_CONNECTIONS,
    lockConnectionsMax: data.LOCK_CONNECTIONS,
    waitersPerKey: data.WAITERS_PER_KEY,
    commandsMax: data.COMMANDS_MAX,
    connectTimeoutMs: data.CONNECT_TIMEOUT_MS,
    httpConnectionsMax: data.HTTP_CONNECTIONS,
    lameDuckMs: data.LAME_DUCK_MS,
    stuckMs: data.STUCK_MS,
    idempotencyKeptMs: data.IDEMPOTENCY_HOURS * 3_600_000,
    adminToken: data.ADMIN_TOKEN,
    logLevel: data.LOG_LEVEL,
  };
}
