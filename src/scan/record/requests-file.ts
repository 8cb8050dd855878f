import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { z } from 'zod';

/** A request of a file, still without an answer. */
export interface FileRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

/** A file that is none of those that can be read; the message says which these are. */
export class UnreadableRequests extends Error {
  override readonly name = 'UnreadableRequests';
}

const requestsMax = 10_000;

/**
 * Reads a HAR file, a `.http` file, or an OpenAPI document in JSON with examples. `missing` is told in a
 * sentence what of it makes no request.
 */
export async function readRequests(
  file: string,
  missing: (sentence: string) => void = () => undefined,
): Promise<FileRequest[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new UnreadableRequests(`${file} cannot be read`, { cause });
  });
  const found = /\.(http|rest)$/.test(file)
    ? httpRequests(text)
    : jsonRequests(text, file, missing);
  if (found.length === 0) throw new UnreadableRequests(`${file} holds no request`);
  if (found.length > requestsMax) missing(`only the first ${requestsMax} requests were sent`);
  return found.slice(0, requestsMax);
}

function jsonRequests(
  text: string,
  file: string,
  missing: (sentence: string) => void,
): FileRequest[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const har = harSchema.safeParse(value);
  if (har.success) return harRequests(har.data);
  const openapi = openapiSchema.safeParse(value);
  if (openapi.success) return openapiRequests(openapi.data, missing);
  throw new UnreadableRequests(
    `${file} is none of the files that hold requests: HAR (.har), .http, OpenAPI in JSON`,
  );
}

const harSchema = z.object({
  log: z.object({
    entries: z.array(
      z.object({
        request: z.object({
          method: z.string(),
          url: z.string(),
          headers: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
          postData: z.object({ text: z.string().default('') }).optional(),
        }),
      }),
    ),
  }),
});

/** Headers that belong to a connection, not to a request. */
const leftOut = /^(:.*|host|connection|content-length|accept-encoding|transfer-encoding)$/i;

function harRequests({ log }: z.infer<typeof harSchema>): FileRequest[] {
  return log.entries.map(({ request: { method, url, headers, postData } }) => ({
    method,
    path: pathOf(url),
    headers: headers
      .filter(({ name }) => !leftOut.test(name))
      .map(({ name, value }) => [name, value] as const),
    body: postData?.text ?? '',
  }));
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url, 'http://service');
  return `${pathname}${search}`;
}

const methods = 'GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS';

/** The format of VS Code's REST client and of JetBrains: requests apart by `###`. */
function httpRequests(text: string): FileRequest[] {
  const variables = new Map<string, string>();
  for (const [, name = '', value = ''] of text.matchAll(/^@([\w-]+)\s*=\s*(.*)$/gm))
    variables.set(name, value.trim());
  const filled = text.replace(/\{\{\s*([\w-]+)\s*\}\}/g, (all, name: string) => {
    return variables.get(name) ?? all;
  });
  return filled.split(/^###.*$/m).flatMap(part => {
    const lines = part.split(/\r?\n/).filter(line => !/^\s*(#|\/\/|@[\w-]+\s*=)/.test(line));
    const from = lines.findIndex(line => line.trim() !== '');
    const first = new RegExp(`^(?:(${methods})\\s+)?(\\S+)`).exec(lines[from]?.trim() ?? '');
    if (first === null) return [];
    const blank = lines.findIndex((line, at) => at > from && line.trim() === '');
    const end = blank < 0 ? lines.length : blank;
    const headers = lines.slice(from + 1, end).flatMap(line => {
      const [, name, value] = /^([\w-]+):\s*(.*)$/.exec(line) ?? [];
      return name === undefined || leftOut.test(name) ? [] : [[name, value ?? ''] as const];
    });
    const body = lines
      .slice(end + 1)
      .join('\n')
      .trim();
    return [
      { method: first[1] ?? 'GET', path: pathOf(withoutHost(first[2] ?? '/')), headers, body },
    ];
  });
}

/** `{{host}}/path` where nobody said what the host is. */
function withoutHost(url: string): string {
  return url.replace(/^\{\{[^}]*\}\}/, '');
}

const exampleSchema = z.object({
  example: z.unknown().optional(),
  examples: z.record(z.string(), z.object({ value: z.unknown().optional() })).optional(),
});
const operationSchema = z.object({
  parameters: z
    .array(
      exampleSchema.extend({ name: z.string(), in: z.string(), schema: z.unknown().optional() }),
    )
    .optional(),
  requestBody: z.object({ content: z.record(z.string(), exampleSchema) }).optional(),
});
const openapiSchema = z.object({
  openapi: z.string(),
  paths: z.record(z.string(), z.record(z.string(), z.unknown())),
});

/** One request for each operation that has examples for all that it needs. */
function openapiRequests(
  { paths }: z.infer<typeof openapiSchema>,
  missing: (sentence: string) => void,
): FileRequest[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      if (!new RegExp(`^(${methods})$`, 'i').test(method)) return [];
      const request = requestOf(path, method, operation);
      if (request !== undefined) return [request];
      missing(`${method.toUpperCase()} ${path} of the OpenAPI document has no examples`);
      return [];
    }),
  );
}

function requestOf(path: string, method: string, operation: unknown): FileRequest | undefined {
  const parsed = operationSchema.safeParse(operation);
  if (!parsed.success) return undefined;
  const { parameters = [], requestBody } = parsed.data;
  let filled = path;
  for (const parameter of parameters.filter(one => one.in === 'path')) {
    const value = exampleOf(parameter);
    if (value === undefined) return undefined;
    filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(String(value)));
  }
  const json = requestBody?.content['application/json'];
  const body = json === undefined ? undefined : exampleOf(json);
  if (json !== undefined && body === undefined) return undefined;
  const headers = json === undefined ? [] : [['content-type', 'application/json'] as const];
  const text = body === undefined ? '' : JSON.stringify(body);
  return { method: method.toUpperCase(), path: filled, headers, body: text };
}

function exampleOf({ example, examples }: z.infer<typeof exampleSchema>): unknown {
  return example ?? Object.values(examples ?? {})[0]?.value;
}

const answerMs = 30_000;

/** Sends them one after the other; resolves to how many were answered. */
export async function sendAll(
  baseUrl: string,
  requests: readonly FileRequest[],
  signal?: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const one of requests) {
    if (signal?.aborted) break;
    if (await sent(new URL(one.path, baseUrl), one)) count++;
  }
  return count;
}

async function sent(url: URL, { method, headers, body }: FileRequest): Promise<boolean> {
  const bytes = Buffer.from(body);
  const length = bytes.length > 0 ? { 'content-length': String(bytes.length) } : {};
  return new Promise(resolve => {
    const options = {
      method,
      headers: { ...Object.fromEntries(headers), ...length },
      timeout: answerMs,
    };
    const call = httpRequest(url, options, response => {
      response.on('error', () => resolve(false));
      response.on('end', () => resolve(true));
      response.resume();
    });
    call.on('error', () => resolve(false));
    call.on('timeout', () => call.destroy());
    call.end(bytes);
  });
}
