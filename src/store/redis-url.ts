import { parseStoreUrl, placeOf, type StoreHost, type StoreUrl, storeUrl } from '../store-url.ts';

/** How a lock store is reached. */
export interface RedisAddress {
  readonly kind: 'server' | 'socket' | 'sentinel' | 'cluster';
  /** For messages, without secrets. */
  readonly place: string;
  /** A URL that ioredis takes by itself; only for `server`. */
  readonly url?: string;
  readonly tls: boolean;
  readonly username: string;
  readonly password: string;
  readonly db: number;
  /** The sentinels, or nodes of the cluster. */
  readonly hosts: readonly { readonly host: string; readonly port: number }[];
  /** For `sentinel`: the name under which the sentinels know the primary. */
  readonly primary: string;
  readonly sentinelUsername: string;
  readonly sentinelPassword: string;
  /** For `socket`. */
  readonly path: string;
}

const sentinelPort = 26_379;
const redisPort = 6_379;
const hostsMax = 16;

/** All forms, for messages. */
export const redisForms =
  'redis://user:password@host:6379, rediss:// for TLS, redis+unix:///path, ' +
  'redis+sentinel://user:password@sentinel1:26379,sentinel2:26379/name-of-the-primary or ' +
  'redis+cluster://user:password@node1:6379,node2:6379';

/**
 * The address in a REDIS_URL; undefined if it is none. `rediss+sentinel` speaks TLS to the sentinels as
 * well as to the servers.
 */
export function redisAddress(text: string): RedisAddress | undefined {
  const parsed = parseStoreUrl(text, [
    ...['redis', 'rediss', 'unix', 'redis+unix'],
    ...['redis+sentinel', 'rediss+sentinel', 'redis+cluster', 'rediss+cluster'],
  ]);
  if (!parsed) return undefined;
  const { scheme } = parsed;
  if (scheme.endsWith('sentinel')) return bySentinels(parsed);
  if (scheme.endsWith('cluster')) return ofCluster(parsed);
  if (scheme.endsWith('unix')) return atSocket(parsed);
  const url = storeUrl(text, ['redis:', 'rediss:']);
  if (!url?.hostname || parsed.hosts.length !== 1) return undefined;
  return { ...common(parsed, 'server', url.host), url: text };
}

/** One server by TCP: what a node of Redlock has to be. */
export function isPlainRedis(text: string): boolean {
  return redisAddress(text)?.kind === 'server';
}

/** Where it is, for messages. */
export function redisPlace(text: string): string {
  return redisAddress(text)?.place ?? 'an address that cannot be read';
}

function bySentinels(parsed: StoreUrl): RedisAddress | undefined {
  const { hosts, params } = parsed;
  const [, primary = '', db = '0'] = /^\/([^/]+)(?:\/(\d{1,4}))?$/.exec(parsed.path) ?? [];
  if (primary === '' || hosts.length === 0 || hosts.length > hostsMax) return undefined;
  return {
    ...common(parsed, 'sentinel', `${primary} by sentinels ${hosts.map(placeOf).join(', ')}`),
    hosts: hosts.map(host => withPort(host, sentinelPort)),
    db: Number(db),
    primary,
    sentinelUsername: params.get('sentinel_username') ?? '',
    sentinelPassword: params.get('sentinel_password') ?? '',
  };
}

function ofCluster(parsed: StoreUrl): RedisAddress | undefined {
  const { hosts, path } = parsed;
  if (hosts.length === 0 || hosts.length > hostsMax || !['', '/', '/0'].includes(path))
    return undefined; // a cluster has one logical database
  return {
    ...common(parsed, 'cluster', `the cluster of ${hosts.map(placeOf).join(', ')}`),
    hosts: hosts.map(host => withPort(host, redisPort)),
  };
}

function atSocket(parsed: StoreUrl): RedisAddress | undefined {
  const { hosts, path, params } = parsed;
  const db = params.get('db') ?? '0';
  if (hosts.length > 0 || path.length < 2 || !/^\d{1,4}$/.test(db)) return undefined;
  return { ...common(parsed, 'socket', path), path, db: Number(db) };
}

function common(parsed: StoreUrl, kind: RedisAddress['kind'], place: string): RedisAddress {
  const { scheme, username, password } = parsed;
  return {
    kind,
    place,
    tls: scheme.startsWith('rediss'),
    username,
    password,
    db: 0,
    hosts: [],
    primary: '',
    sentinelUsername: '',
    sentinelPassword: '',
    path: '',
  };
}

function withPort({ host, port }: StoreHost, usual: number): { host: string; port: number } {
  return { host, port: port ?? usual };
}
