import type { RecordedRequest } from './record/recording.ts';
import { jsonOf } from './replay/compare.ts';

type Asked = Pick<RecordedRequest, 'method' | 'path'> & Partial<Pick<RecordedRequest, 'body'>>;

/** A request without what differs from call to call: `POST /offers/:id/accept`. */
export function kindOf({ method, path, body }: Asked): string {
  const [plain = '/'] = path.split('?');
  const parts = plain.split('/').map(part => (isValue(part) ? ':id' : part));
  return [method, parts.join('/'), ...operationsOf(jsonOf(body?.text ?? ''))].join(' ');
}

/** What a body asks for where one path serves all: by GraphQL or JSON-RPC. */
function operationsOf(body: unknown): readonly string[] {
  if (Array.isArray(body)) return [...new Set(body.flatMap(operationsOf))];
  if (!isObject(body)) return [];
  const { operationName, query, jsonrpc, method } = body;
  if (typeof jsonrpc === 'string' && typeof method === 'string') return [method];
  if (typeof query !== 'string' || !/^[^"]*\{/.test(query)) return [];
  if (typeof operationName === 'string') return [operationName];
  const [, named] = /\b(?:query|mutation|subscription)\s+(\w+)/.exec(query) ?? [];
  const [, field] = /\{\s*(\w+)/.exec(query) ?? [];
  return [named ?? field ?? 'anonymous'];
}

/** The ids in a path and in a body of JSON: requests that share one are about the same thing. */
export function resourcesOf({ path, body }: Asked): readonly string[] {
  const [plain = ''] = path.split('?');
  const parts = plain.split('/');
  const inPath = parts.flatMap((part, at) =>
    isValue(part) ? [`${singular(parts[at - 1] ?? '')}/${part}`] : [],
  );
  const last = parts.findLast(part => part !== '' && !isValue(part)) ?? '';
  return [...inPath, ...idsOf(jsonOf(body?.text ?? ''), last, 0)];
}

const depthMax = 8;

/** `slot/7` of `{ "slotId": 7 }`; a plain `id` is one of what the path names. */
function idsOf(body: unknown, last: string, depth: number): readonly string[] {
  if (depth > depthMax || typeof body !== 'object' || body === null) return [];
  return Object.entries(body).flatMap(([key, value]: [string, unknown]) => {
    const [, name] = /^(.*?)(?:Ids?|_ids?|^ids?)$/.exec(key) ?? [];
    const leaves = Array.isArray(value) ? value : [value];
    const own = leaves.filter(one => typeof one === 'string' || typeof one === 'number');
    if (name === undefined || own.length === 0) return idsOf(value, last, depth + 1);
    return own.map(one => `${singular(name || last)}/${one}`);
  });
}

function singular(name: string): string {
  return name.toLowerCase().replace(/ies$/, 'y').replace(/s$/, '');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** A number, a uuid, a hash, a mail address, or a long word with digits: no name of a route. */
function isValue(part: string): boolean {
  const text = decoded(part);
  if (/^\d+$/.test(text)) return true;
  if (/^[0-9a-f]{8}-[0-9a-f-]{27}$/i.test(text)) return true;
  if (/^[0-9a-f]{12,}$/i.test(text)) return true;
  if (text.includes('@')) return true;
  const digits = text.replace(/\D/g, '').length;
  return (text.length >= 16 && digits >= 3) || (digits >= 2 && !/^v\d+/.test(text));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
