import { parseStoreUrl, placeOf, type StoreHost, type StoreUrl, storeUrl } from '../store-url.ts';

/** Where a DATABASE_URL leads. */
export interface PostgresPlaces {
  /** The first one is preferred. */
  readonly hosts: readonly [PostgresHost, ...PostgresHost[]];
  readonly database: string;
  /** Whether a host must take writes: always asked of several. */
  readonly readWrite: boolean;
}

export interface PostgresHost {
  /** Leads to this host alone, and is one that node-postgres takes. */
  readonly url: string;
  /** For messages, without secrets: `db1:5432`. */
  readonly name: string;
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
}

const postgresPort = 5_432;
/** A new connection may ask all of them. */
const hostsMax = 8;
const readWriteWords = ['read-write', 'primary'];

/**
 * The places of a URL: one host, several (`h1:1,h2:2`, as libpq has it), or the folder of a Unix socket
 * (`postgresql:///db?host=/run/postgresql`). Undefined if it is none of these. Several hosts need
 * `target_session_attrs=read-write`: nothing that only reads could serve here.
 */
export function postgresPlaces(text: string): PostgresPlaces | undefined {
  const parsed = parseStoreUrl(text, ['postgres', 'postgresql']);
  if (!parsed) return undefined;
  const hosts = hostsOf(parsed);
  const wanted = parsed.params.get('target_session_attrs') ?? 'any';
  const readWrite = readWriteWords.includes(wanted);
  if (!hosts || hosts.length > hostsMax || !(readWrite || wanted === 'any')) return undefined;
  if (hosts.length > 1 && !readWrite) return undefined;
  const plain = hosts.length === 1 && parsed.hosts.length === 1 && !readWrite;
  if (plain && !storeUrl(text, ['postgres:', 'postgresql:'])) return undefined;
  const [first, ...others] = hosts.map(at => ({
    url: plain ? text : urlOf(parsed, at),
    name: placeOf(at),
    host: at.host,
    port: at.port ?? postgresPort,
  }));
  return first && { hosts: [first, ...others], database: parsed.path.slice(1), readWrite };
}

/** Those of `host=` and `port=` go before those of the authority, as in libpq. */
function hostsOf({ hosts, params }: StoreUrl): readonly StoreHost[] | undefined {
  const named = params.get('host');
  if (named === null) return hosts.length > 0 ? hosts : undefined;
  const names = named.split(',');
  const ports = (params.get('port') ?? '').split(',');
  if (names.includes('') || ports.some(port => !/^\d{0,5}$/.test(port))) return undefined;
  if (ports.length !== 1 && ports.length !== names.length) return undefined;
  return names.map((host, index) => {
    const port = ports[index] ?? ports[0];
    return { host, port: port ? Number(port) : undefined };
  });
}

/** All in the query, where node-postgres takes the folder of a socket and any host alike. */
function urlOf({ username, password, path, params }: StoreUrl, { host, port }: StoreHost): string {
  const query = new URLSearchParams(params);
  query.delete('target_session_attrs');
  query.set('host', host);
  query.delete('port');
  if (port !== undefined) query.set('port', String(port));
  if (username !== '') query.set('user', username);
  if (password !== '') query.set('password', password);
  // node-postgres reads `+` as it stands in some places: an escape is read alike everywhere
  const escaped = query.toString().replaceAll('+', '%20');
  return `postgres://${encodeURI(path === '' ? '/' : path)}?${escaped}`;
}

/** Host and database, for messages. */
export function postgresPlace(text: string): string {
  const places = postgresPlaces(text);
  if (!places) return 'an address that cannot be read';
  return `${places.hosts.map(({ name }) => name).join(', ')}/${places.database}`;
}
