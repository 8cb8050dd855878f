import {
  anything,
  bound,
  type Check,
  callable,
  expecting,
  flag,
  listOf,
  oneOf,
  positive,
  seconds,
  shaped,
  shown,
  text,
  valuesOf,
  whole,
} from './checks.ts';
import { didYouMean } from './nearest.ts';
import type { Race } from './race.ts';
import type { CommandActor, RequestActor } from './run/child-actor.ts';
import type { RowLease } from './run/row-leases.ts';
import type { ServerUrls, Subject } from './run/stage.ts';
import { eventKinds } from './search/choice.ts';
import type { ExploreOptions, ReplayOptions } from './settings.ts';

/** Mistakes in a config or in options, one per line of the message. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** One letter of the alphabet each. */
const actorsMax = 26;

const program: Readonly<Record<keyof CommandActor, Check>> = {
  command: (value, path) => {
    const complaints = listOf(text, 'texts')(value, path);
    const empty = Array.isArray(value) && (value[0] === undefined || value[0] === '');
    return empty ? [`${path}: expected a program and its arguments, got nothing`] : complaints;
  },
  cwd: text,
  env: valuesOf(text),
};

const call: Readonly<Record<keyof RequestActor['request'], Check>> = {
  method: text,
  path: expecting("a path that begins with '/'", value => {
    return typeof value === 'string' && value.startsWith('/');
  }),
  headers: valuesOf(text),
  body: text,
};

const actorFields: Readonly<Record<keyof CommandActor | keyof RequestActor, Check>> = {
  ...program,
  service: shaped(program, ['command']),
  request: shaped(call, ['path']),
};

const actor: Check = (value, path) => {
  if (typeof value === 'function') return [];
  if (typeof value !== 'object' || value === null) {
    const forms =
      'a function, { command: […] } or { service: { command: […] }, request: { path: … } }';
    return [`${path}: expected ${forms}, got ${shown(value)}`];
  }
  if ('service' in value || 'request' in value) {
    const { service, request } = actorFields;
    return shaped({ service, request }, ['service', 'request'])(value, path);
  }
  const complaints = shaped(actorFields)(value, path);
  if (complaints.length > 0 || 'command' in value) return complaints;
  return [`${path}: 'command' is missing`];
};

const actors: Check = (value, path) => {
  const complaints = valuesOf(actor)(value, path);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return complaints;
  const names = Object.keys(value);
  if (names.length === 0) return [`${path}: expected at least two callers, got none`];
  if (names.length <= actorsMax) return complaints;
  return [`${path}: expected at most ${actorsMax} callers, got ${names.length}`, ...complaints];
};

const url = (example: string): Check =>
  expecting(`a URL such as ${example}`, value => typeof value === 'string' && URL.canParse(value));

const redisUrl: Check = (value, path) => {
  const isTls = typeof value === 'string' && value.startsWith('rediss:');
  if (isTls) return [`${path}: the gates speak no TLS: give a URL that begins with redis://`];
  return url('redis://127.0.0.1:6379/15')(value, path);
};

const serverFields: Readonly<Record<keyof ServerUrls, Check>> = {
  pgUrl: url('postgres://user@127.0.0.1:5432/postgres'),
  redisUrls: listOf(redisUrl, 'URLs'),
  httpUrls: listOf(url('http://127.0.0.1:8080/'), 'URLs'),
};

const refusal = expecting('a text that is not empty, or a pattern', value => {
  return (typeof value === 'string' && value !== '') || value instanceof RegExp;
});

const rowLease: Readonly<Record<keyof RowLease, Check>> = { name: text, held: text, end: text };

const subjectFields: Readonly<Record<keyof Subject, Check>> = {
  setup: text,
  prepare: callable,
  actors,
  audit: expecting('SQL, or a function that gives it', value => {
    return (typeof value === 'string' && value.trim() !== '') || typeof value === 'function';
  }),
  check: callable,
  reset: callable,
  leases: listOf(shaped(rowLease, ['name', 'held', 'end']), 'leases'),
  refusals: listOf(refusal, 'texts and patterns'),
  oneStep: listOf(text, 'names'),
  expect: oneOf(['independent'], 'expectation'),
  probe: actor,
  probeIf: callable,
  checkProbe: callable,
};

const optionFields: Readonly<
  Record<keyof ExploreOptions | keyof ReplayOptions | keyof Race, Check>
> = {
  ...subjectFields,
  title: text,
  servers: shaped(serverFields, ['pgUrl']),
  events: listOf(oneOf(eventKinds, 'event'), 'events'),
  eventsMax: whole,
  preemptions: bound,
  preemptionsWithEvent: bound,
  leaseSecondsMax: seconds,
  phases: flag,
  fuseBegin: flag,
  fuseNodes: flag,
  reduce: flag,
  isolated: flag,
  identical: (value, path) =>
    typeof value === 'function' ? [] : listOf(listOf(text, 'names'), 'lists of names')(value, path),
  allowHosts: listOf(text, 'hosts'),
  executionsMax: positive,
  secondsMax: seconds,
  random: shaped({ schedules: whole, seed: whole }, ['schedules', 'seed']),
  firstOnly: flag,
  stepsMax: positive,
  stepMs: positive,
  progress: callable,
  signal: anything,
  times: positive,
  mode: oneOf(['strict', 'guided'], 'mode'),
};

/**
 * Throws ConfigError for a subject or options with an unknown key, a wrong type, a name that does not
 * exist or something missing: one message each, with the nearest valid name.
 */
export function checkConfig(subject: Subject, options: ExploreOptions | ReplayOptions): void {
  // A config is passed as both, so the keys of either are valid in each.
  const complaints = new Set([
    ...shaped(optionFields, ['setup', 'actors', 'audit'])(subject, ''),
    ...shaped(optionFields, ['servers'])(options, ''),
    ...strangers(subject, options),
  ]);
  if (complaints.size === 0) return;
  const head = complaints.size === 1 ? 'a mistake in the config' : 'mistakes in the config';
  throw new ConfigError(`${head}:\n${[...complaints].map(one => `- ${one}`).join('\n')}`);
}

/** Names in `identical` that no actor has. */
function strangers(subject: Subject, options: ExploreOptions): string[] {
  const { actors: known } = subject;
  if (typeof known !== 'object' || known === null) return [];
  const names = Object.keys(known);
  return [subject, options]
    .flatMap(one => listIn(Reflect.get(one, 'identical')))
    .flatMap(listIn)
    .filter(name => typeof name === 'string' && !names.includes(name))
    .map(name => `identical: no actor ${shown(name)}${didYouMean(String(name), names)}`);
}

function listIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
