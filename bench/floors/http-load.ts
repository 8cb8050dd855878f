/** Callers on raw sockets: Node's HTTP client would cost more than the bare server under test. */
import { connect } from 'node:net';

export interface HttpLoad {
  readonly perSecond: number;
  /** Latency of every answer, from sending the request to reading the answer, in ms. */
  readonly tookMs: readonly number[];
}

const callers = 32;

/** The bytes of a POST with a JSON body. */
export function postOf(path: string, body: string): string {
  return (
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
    `content-length: ${body.length}\r\n\r\n${body}`
  );
}

/** 32 callers on as many connections; each sends again once answered. Rejects on any status but 201. */
export async function httpLoad(
  port: number,
  seconds: number,
  requestOf: () => string,
): Promise<HttpLoad> {
  const startMs = performance.now();
  const lastMs = startMs + seconds * 1_000;
  const tookMs: number[] = [];
  const lane = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      let seen = '';
      let sentMs = 0;
      const send = (): void => {
        sentMs = performance.now();
        socket.write(requestOf());
      };
      socket.on('connect', send);
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the server closed the connection')));
      socket.on('data', (chunk: Buffer) => {
        seen += chunk.toString('latin1');
        if (!isWhole(seen)) return;
        if (!seen.startsWith('HTTP/1.1 201')) reject(new Error(seen.slice(0, 300)));
        seen = '';
        const nowMs = performance.now();
        tookMs.push(nowMs - sentMs);
        if (nowMs < lastMs) return send();
        resolve();
        socket.destroy();
      });
    });
  await Promise.all(Array.from({ length: callers }, lane));
  return { perSecond: tookMs.length / ((performance.now() - startMs) / 1_000), tookMs };
}

/** Whether the head and the whole body have arrived. */
function isWhole(text: string): boolean {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return false;
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= head + 4 + length;
}
