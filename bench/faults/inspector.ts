/**
 * Runs JavaScript in a process of the service that knows nothing of it: SIGUSR1 opens Node's inspector,
 * which speaks JSON over a WebSocket (https://chromedevtools.github.io/devtools-protocol/v8/Runtime/).
 */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';

const openMs = 5_000;
const lookMs = 20;
const listens = '0A';
const targets = z.array(z.object({ webSocketDebuggerUrl: z.string() }));

/**
 * Starts an expression in the main thread of a process. Resolves when it has been sent; `done` when it
 * has been evaluated, which is when the event loop turns again.
 */
export async function evaluateIn(
  pid: number,
  expression: string,
): Promise<{ readonly done: Promise<void> }> {
  process.kill(pid, 'SIGUSR1');
  const socket = await upgraded(await inspectorUrl(pid));
  const answer = new Promise<void>((resolve, reject) => {
    socket.once('data', () => resolve());
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`process ${pid} closed its inspector`)));
  });
  const done = answer.finally(() => socket.destroy());
  done.catch(() => {}); // whoever waits for it is told
  const message = { id: 1, method: 'Runtime.evaluate', params: { expression } };
  socket.write(textFrame(JSON.stringify(message)));
  return { done };
}

/** Among the ports on which the process listens, that of the inspector is told by its answer. */
async function inspectorUrl(pid: number): Promise<string> {
  const lastMs = performance.now() + openMs;
  for (;;) {
    for (const port of listeningPorts(pid)) {
      const answer = await fetch(`http://127.0.0.1:${port}/json/list`).catch(() => undefined);
      const read = targets.safeParse(await answer?.json().catch(() => undefined));
      const [target] = read.data ?? [];
      if (target) return target.webSocketDebuggerUrl;
    }
    if (performance.now() > lastMs)
      throw new Error(`process ${pid} opened no inspector: is port 9229 taken?`);
    await delay(lookMs);
  }
}

/** From /proc/net/tcp, see proc(5): the sockets of this process that listen. */
function listeningPorts(pid: number): number[] {
  const inodes = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap(fd => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return []; // closed in the meantime
      }
    }),
  );
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .flatMap(line => {
      const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      return state === listens && inodes.has(inode)
        ? [Number.parseInt(local.split(':')[1] ?? '', 16)]
        : [];
    });
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

/** One final, masked text frame: RFC 6455, section 5.2. */
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
