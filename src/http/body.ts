import type { IncomingMessage, ServerResponse } from 'node:http';
import { Problem } from './answer.ts';
import { parseJson } from './json-text.ts';

const bodyMaxBytes = 64 * 1_024;
/**
 * An oversized body is read up to this size, so that the client sees the response; then cut off.
 */
const discardMaxBytes = 1_024 * 1_024;

const json = /^application\/json(?:\s*;\s*charset\s*=\s*"?utf-8"?)?\s*;?$/i;
const utf8 = new TextDecoder('utf-8', { fatal: true });

/**
 * Reads a JSON body; undefined if there is none. Throws `Problem` for a body that is too large, of
 * the wrong type or malformed, and `InvalidInput` for a text that no store takes. Not body-parser, because each of these has its own problem type.
 */
export async function readBody(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<unknown> {
  const { headers } = request;
  const length = headers['content-length'];
  if (length === undefined && headers['transfer-encoding'] === undefined) return undefined;
  if (length === '0') return undefined;
  checkType(headers['content-type'], headers['content-encoding']);
  if (Number(length) > discardMaxBytes) throw tooLarge(response);
  const bytes = await readAll(request, response);
  if (bytes.length === 0) return undefined;
  return parseJson(decoded(bytes));
}

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new Problem('malformed-json');
  }
}

function checkType(type: string | undefined, encoding: string | undefined): void {
  if (type === undefined || !json.test(type) || (encoding ?? 'identity') !== 'identity')
    throw new Problem('unsupported-media-type');
}

function readAll(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= bodyMaxBytes) chunks.push(chunk);
      else if (size > discardMaxBytes) reject(tooLarge(response));
    });
    request.once('end', () => {
      if (size > bodyMaxBytes) reject(new Problem('body-too-large'));
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
    const gone = (): void => {
      // the client is gone and will not read the response
      if (!request.complete) reject(new Problem('malformed-request'));
    };
    request.once('error', gone);
    request.once('close', gone);
  });
}

function tooLarge(response: ServerResponse): Problem {
  response.setHeader('connection', 'close');
  return new Problem('body-too-large');
}
