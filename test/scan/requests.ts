import { bodyOf, type RecordedRequest } from '../../src/scan/record/recording.ts';
import type { Answer } from '../../src/scan/replay/compare.ts';

/** A recorded request, answered 200 with nothing. */
export function requestOf(id: number, method: string, path: string, body = ''): RecordedRequest {
  return {
    id,
    atMs: id * 100,
    tookMs: 10,
    method,
    path,
    headers: body === '' ? [] : [['content-type', 'application/json']],
    body: bodyOf(Buffer.from(body)),
    answer: answerOf(200, ''),
  };
}

/** What a caller was told. */
export function answerOf(
  status: number,
  body: unknown,
  headers: readonly [string, string][] = [],
): NonNullable<Answer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: [...headers], body: bodyOf(Buffer.from(text)) };
}
