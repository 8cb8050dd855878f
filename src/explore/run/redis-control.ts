import { connect, type Socket } from 'node:net';
import { type RedisValue, RespReplies } from '../wire/resp.ts';

/** The explorer's own connection to one Redis. */
export class RedisControl {
  readonly #socket: Socket;
  readonly #encoding: BufferEncoding;
  /** Told what comes unasked for: the lines of MONITOR, messages of a pattern. */
  heard: (value: RedisValue) => void = () => undefined;
  readonly #waiting: { resolve(value: RedisValue): void; reject(error: Error): void }[] = [];

  private constructor(socket: Socket, encoding: BufferEncoding) {
    this.#socket = socket;
    this.#encoding = encoding;
    const replies = new RespReplies(encoding);
    socket.on('data', chunk => {
      for (const { value } of replies.push(chunk)) {
        const asked = isPublished(value) ? undefined : this.#waiting.shift();
        if (asked === undefined) this.heard(value);
        else asked.resolve(value);
      }
    });
    socket.on('close', () => {
      const lost = new Error('the explorer lost its Redis connection');
      for (const one of this.#waiting.splice(0)) one.reject(lost);
    });
  }

  /** Texts are UTF-8; as `latin1` keys and values of any bytes pass unchanged. */
  static async open(url: string, encoding: BufferEncoding = 'utf8'): Promise<RedisControl> {
    const { hostname, port, username, password, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port || 6379), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', cause =>
        reject(new Error(`no Redis at ${hostname}:${port}`, { cause })),
      );
    });
    socket.on('error', () => socket.destroy());
    const control = new RedisControl(socket, encoding);
    if (password !== '')
      await control.ask('auth', ...(username === '' ? [] : [username]), password);
    const database = pathname.slice(1);
    if (database !== '') await control.ask('select', database);
    return control;
  }

  /** Sends one command; a Redis error ends in a throw. */
  async ask(...words: readonly string[]): Promise<RedisValue> {
    const sizes = words.map(word => Buffer.byteLength(word, this.#encoding));
    const parts = words.map((word, at) => `$${sizes[at]}\r\n${word}\r\n`);
    const value = await new Promise<RedisValue>((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the Redis connection is closed'));
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`*${words.length}\r\n${parts.join('')}`, this.#encoding);
    });
    if (value !== null && typeof value === 'object' && 'error' in value)
      throw new Error(value.error);
    return value;
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** It may come between a request and its reply. */
function isPublished(value: RedisValue): boolean {
  return Array.isArray(value) && value.length === 4 && value[0] === 'pmessage';
}
