import { type Agent, type IncomingHttpHeaders, request } from 'node:http';

/** What came back. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body where it is JSON, else an empty object. */
  readonly body: Readonly<Record<string, unknown>>;
  /** How long it took. */
  readonly ms: number;
}

export interface Ask {
  readonly method?: string;
  /** Sent as JSON, unless it is a string or bytes. */
  readonly body?: object | string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: a connection for this request alone. */
  readonly agent?: Agent;
}

const answerMaxMs = 60_000;

/** Sends one request. Rejects only when no answer comes. */
export function ask(
  url: string,
  { method = 'GET', body, headers, agent }: Ask = {},
): Promise<Reply> {
  const startMs = performance.now();
  const bytes = Buffer.isBuffer(body) || typeof body === 'string' ? body : JSON.stringify(body);
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const length = bytes === undefined ? {} : { 'content-length': String(Buffer.byteLength(bytes)) };
  return new Promise((resolve, reject) => {
    const options = {
      method,
      agent: agent ?? false,
      headers: { ...type, ...length, ...headers },
      timeout: answerMaxMs,
    } as const;
    const sent = request(url, options, response => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const { statusCode: status = 0, headers } = response;
        resolve({ status, headers, text, body: parsed(text), ms: performance.now() - startMs });
      });
    });
    sent.on('error', reject);
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.end(bytes);
  });
}

export function post(
  url: string,
  body: object | string | Buffer = {},
  rest: Ask = {},
): Promise<Reply> {
  return ask(url, { ...rest, method: 'POST', body });
}

function parsed(text: string): Reply['body'] {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

/** The sum of all samples of a metric on a page whose labels contain the given ones. */
export function sumOf(
  page: string,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return page
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .filter(line => wanted.every(label => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}
