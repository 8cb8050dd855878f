import { connect, type Socket } from 'node:net';
import { type RedisValue, RespReplies } from '../wire/resp.ts';

/** The explorer's own connection to one Redis. */
export class RedisControl {
  readonly #socket: Socket;
  readonly #waiting: { resolve(value: RedisValue): void; reject(error: Error): void }[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    const replies = new RespReplies();
    socket.on('data', chunk => {
      for (const reply of replies.push(chunk)) this.#waiting.shift()?.resolve(reply.value);
    });
    socket.on('close', () => {
      const lost = new Error('the explorer lost its Redis connection');
      for (const one of this.#waiting.splice(0)) one.reject(lost);
    });
  }

  static async open(url: string): Promise<RedisControl> {
    const { hostname, port, username, password, pathname } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port || 6379), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', cause =>
        reject(new Error(`no Redis at ${hostname}:${port}`, { cause })),
      );
    });
    socket.on('error', () => socket.destroy());
    const control = new RedisControl(socket);
    if (password !== '')
      await control.ask('auth', ...(username === '' ? [] : [username]), password);
    const database = pathname.slice(1);
    if (database !== '') await control.ask('select', database);
    return control;
  }

  /** Sends one command; a Redis error ends in a throw. */
  async ask(...words: readonly string[]): Promise<RedisValue> {
    const parts = words.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    const value = await new Promise<RedisValue>((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('the Redis connection is closed'));
      this.#waiting.push({ resolve, reject });
      this.#socket.write(`*${words.length}\r\n${parts.join('')}`);
    });
    if (value !== null && typeof value === 'object' && 'error' in value)
      throw new Error(value.error);
    return value;
  }

  close(): void {
    this.#socket.destroy();
  }
}
