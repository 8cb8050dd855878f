/**
 * Speaks with a process of the service that knows nothing of it: SIGUSR1 opens Node's inspector, which
 * takes JSON over a WebSocket (https://chromedevtools.github.io/devtools-protocol/v8/), and stays open.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { socketsOf } from './sockets.ts';

const openMs = 5_000;
const answerMs = 10_000;
const lookMs = 20;
const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() }));
const answer = z.object({ id: z.number(), result: z.unknown() });
const heapUsage = z.object({ usedSize: z.number() });

/**
 * Starts an expression in the main thread of a process. Resolves when it has been sent; `done` when it
 * has been evaluated, which is when the event loop turns again.
 */
export async function evaluateIn(
  pid: number,
  expression: string,
): Promise<{ readonly done: Promise<void> }> {
  const session = await Session.open(pid);
  const done = session.ask('Runtime.evaluate', { expression }).then(() => session.end());
  done.catch(() => session.end()); // whoever waits for it is told
  return { done };
}

/** What its heap holds when everything is collected that nobody needs. */
export async function heapBytesOf(pid: number): Promise<number> {
  const session = await Session.open(pid);
  try {
    const timeout = AbortSignal.timeout(answerMs);
    const late = new Promise<never>((_, reject) => {
      timeout.onabort = () => reject(new Error(`process ${pid} did not tell its heap`));
    });
    const told = async (): Promise<number> => {
      await session.ask('HeapProfiler.collectGarbage');
      return heapUsage.parse(await session.ask('Runtime.getHeapUsage')).usedSize;
    };
    return await Promise.race([told(), late]);
  } finally {
    session.end();
  }
}

class Session {
  readonly #socket: Socket;
  readonly #asked = new Map<number, (result: unknown) => void>();
  readonly #closed: Promise<never>;
  #ids = 0;
  #unread = Buffer.alloc(0);

  private constructor(socket: Socket, pid: number) {
    this.#socket = socket;
    this.#closed = new Promise((_, reject) => {
      socket.once('error', reject);
      socket.once('close', () => reject(new Error(`process ${pid} closed its inspector`)));
    });
    this.#closed.catch(() => {}); // whoever asks is told
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
  }

  static async open(pid: number): Promise<Session> {
    process.kill(pid, 'SIGUSR1');
    return new Session(await upgraded(await inspectorUrl(pid)), pid);
  }

  /** One command of the protocol. Rejects when the process ends meanwhile. */
  ask(method: string, params: object = {}): Promise<unknown> {
    this.#ids += 1;
    const id = this.#ids;
    const told = new Promise<unknown>(resolve => this.#asked.set(id, resolve));
    this.#socket.write(textFrame(JSON.stringify({ id, method, params })));
    return Promise.race([told, this.#closed]);
  }

  /** The inspector stays open: closing it from within has ended processes (SIGSEGV in Node 20). */
  end(): void {
    this.#socket.destroy();
  }

  /** Whole frames of text: RFC 6455, section 5.2. What we ask for fits into one each. */
  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    for (;;) {
      const short = (this.#unread[1] ?? 0) & 0x7f;
      const head = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (this.#unread.length < head) return;
      const long = head === 4 ? this.#unread.readUInt16BE(2) : 0;
      const length =
        head === 10 ? Number(this.#unread.readBigUInt64BE(2)) : head === 4 ? long : short;
      if (this.#unread.length < head + length) return;
      this.#take(this.#unread.subarray(head, head + length).toString());
      this.#unread = this.#unread.subarray(head + length);
    }
  }

  #take(text: string): void {
    const read = answer.safeParse(jsonOf(text));
    if (!read.success) return; // an event
    this.#asked.get(read.data.id)?.(read.data.result);
    this.#asked.delete(read.data.id);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a control frame
  }
}

/** Among the ports on which the process listens, that of the inspector is told by its answer. */
async function inspectorUrl(pid: number): Promise<string> {
  const lastMs = performance.now() + openMs;
  for (;;) {
    for (const { localPort, listens } of socketsOf(pid)) {
      if (!listens) continue;
      const signal = AbortSignal.timeout(openMs);
      const said = await fetch(`http://127.0.0.1:${localPort}/json/list`, { signal }).catch(
        () => undefined,
      );
      const read = targets.safeParse(await said?.json().catch(() => undefined));
      const [target] = read.data ?? [];
      if (target) return target.webSocketDebuggerUrl;
    }
    if (performance.now() > lastMs)
      throw new Error(`process ${pid} opened no inspector: is port 9229 taken?`);
    await delay(lookMs);
  }
}

function upgraded(url: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const asked = request(url.replace(/^ws:/, 'http:'), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      },
      timeout: openMs,
    });
    asked.once('upgrade', (_response, socket) => resolve(socket));
    asked.once('timeout', () => asked.destroy(new Error('the inspector did not answer')));
    asked.once('error', reject);
    asked.end();
  });
}

/** One final, masked text frame. */
function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const head = Buffer.alloc(4);
  head[0] = 0x81;
  head[1] = 0x80 | 126;
  head.writeUInt16BE(payload.length, 2);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([head, mask, masked]);
}
