/** The parts of a store's URL, decoded. Unlike `URL`, it may name several hosts, or none. */
export interface StoreUrl {
  /** Without the colon: `redis+sentinel`. */
  readonly scheme: string;
  readonly username: string;
  readonly password: string;
  readonly hosts: readonly StoreHost[];
  /** With its slash; empty if there is none. */
  readonly path: string;
  readonly params: URLSearchParams;
}

export interface StoreHost {
  /** A name or an address, without brackets; for Postgres also the folder of a socket. */
  readonly host: string;
  /** Undefined: the store's usual one. */
  readonly port: number | undefined;
}

/**
 * A URL of a store; undefined where it is none. Every client decodes the percent escapes in it when it
 * connects, so one that is broken (`100%`, or `%ff`, which is no UTF-8) is refused before.
 */
export function storeUrl(text: string, protocols: readonly string[]): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return protocols.includes(url.protocol) && isDecodable(url) ? url : undefined;
}

/** For messages, which never repeat the URL: it may contain a password. */
export const percentHint = 'with a % in it written as %25';

function isDecodable({ username, password, hostname, pathname, search }: URL): boolean {
  try {
    for (const part of [username, password, hostname, pathname, search]) decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

const form = /^([a-z+]+):\/\/(?:([^/?#:]*)(?::([^/?#]*))?@)?([^/?#@]*)(\/[^?#]*)?(?:\?([^#]*))?$/i;
const hostForm = /^(\[[\da-f:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/i;

/** The parts of a URL of the given schemes; undefined if it is none, or its escapes are broken. */
export function parseStoreUrl(text: string, schemes: readonly string[]): StoreUrl | undefined {
  const [, scheme = '', username = '', password = '', places = '', path = '', query = ''] =
    form.exec(text) ?? [];
  if (!schemes.includes(scheme.toLowerCase())) return undefined;
  try {
    const hosts = places === '' ? [] : places.split(',').map(hostOf);
    if (hosts.includes(undefined)) return undefined;
    decodeURIComponent(query); // URLSearchParams takes what is broken as it stands
    return {
      scheme: scheme.toLowerCase(),
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
      hosts: hosts.flatMap(host => host ?? []),
      path: decodeURIComponent(path),
      params: new URLSearchParams(query),
    };
  } catch {
    return undefined; // a broken escape
  }
}

function hostOf(text: string): StoreHost | undefined {
  const [, host, port] = hostForm.exec(text) ?? [];
  if (host === undefined || Number(port ?? 1) > 65_535 || Number(port ?? 1) < 1) return undefined;
  return {
    host: decodeURIComponent(host.replace(/^\[|\]$/g, '')),
    port: port === undefined ? undefined : Number(port),
  };
}

/** `host:port`, as messages name a place. */
export function placeOf({ host, port }: StoreHost): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

const anyScheme = /^([a-z+]+):/i;
const secretParams = ['password', 'sentinel_password'];

/** Every secret in a store's URL, as it stands there and decoded: what no log may contain. */
export function secretsIn(text: string): readonly string[] {
  const [, scheme = ''] = anyScheme.exec(text) ?? [];
  const parsed = parseStoreUrl(text, [scheme.toLowerCase()]);
  if (!parsed) return [];
  const written = form.exec(text)?.[3] ?? '';
  const encoded = URL.canParse(text) ? new URL(text).password : '';
  const decoded = [parsed.password, ...secretParams.flatMap(name => parsed.params.get(name) ?? [])];
  const all = [written, encoded, ...decoded, ...decoded.map(encodeURIComponent)];
  return [...new Set(all)].filter(secret => secret !== '');
}
