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
