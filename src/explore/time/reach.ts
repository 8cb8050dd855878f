import type { Server, Socket } from 'node:net';
import { realNow } from './real-time.ts';

/** Where a connection goes: a port of a host, or a socket in the file system. */
export interface Target {
  readonly host: string;
  readonly port: number;
  /** A Unix socket; host and port say nothing then. */
  readonly path?: string;
}

/** Also kept for sockets connected outside an actor: it may use a client that belongs to a module. */
const targets = new WeakMap<Socket, Target>();
const targetsMax = 64;
/** How long, in real time, an ungated answer is waited for before virtual time may pass. */
const answersMs = 1_000;

/** Where one actor's connections lead, and where it listens itself. */
export class Reach {
  readonly #reached = new Map<string, Target>();
  readonly #seen = new WeakSet<Socket>();
  readonly #own = new Set<number>();
  /** Ungated connections, each as of the last time something was sent. */
  readonly #past = new Map<Socket, Asked>();
  #gates: readonly number[] = [];

  /** Gates of any actor listen on these ports: what comes from there is waited for there. */
  behind(gates: readonly number[]): void {
    this.#gates = gates;
  }

  /** Somebody past the gates was asked a moment ago, and has not answered yet. */
  get awaits(): boolean {
    return [...this.#past].some(([socket, { bytesRead, atMs }]) => {
      const silent = !socket.destroyed && socket.bytesRead <= bytesRead;
      return silent && realNow() - atMs < answersMs;
    });
  }

  /** A connection is being made. */
  connects(socket: Socket, target: Target | undefined): void {
    if (target === undefined) return;
    this.#seen.add(socket);
    this.#add(socket, target);
  }

  /** Something is sent; whose connection it is shows here, whoever made it. */
  writes(socket: Socket): void {
    if (this.#past.has(socket)) this.#past.set(socket, askedNow(socket));
    if (this.#seen.has(socket)) return;
    this.#seen.add(socket);
    // Accepted by a server: who connected to it is told about that.
    if ('server' in socket && socket.server) return;
    const { remoteAddress: host, remotePort: port } = socket;
    const peer = host === undefined || port === undefined ? undefined : { host, port };
    const target = targets.get(socket) ?? peer;
    if (target !== undefined) this.#add(socket, target);
  }

  /** It serves something itself, as a test of an HTTP application does. */
  listens(server: Server): void {
    server.once('listening', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') return;
      this.#own.add(address.port);
    });
  }

  /** Whatever it reached beside what it serves itself. */
  get targets(): readonly Target[] {
    return [...this.#reached.values()].filter(({ port, path }) => {
      return path !== undefined || !this.#own.has(port);
    });
  }

  #add(socket: Socket, target: Target): void {
    const gate = target.path === undefined && this.#gates.includes(target.port);
    if (!gate && this.#past.size < targetsMax) this.#past.set(socket, askedNow(socket));
    if (this.#reached.size < targetsMax) this.#reached.set(textOf(target), target);
  }
}

interface Asked {
  readonly bytesRead: number;
  readonly atMs: number;
}

function askedNow({ bytesRead }: Socket): Asked {
  return { bytesRead, atMs: realNow() };
}

/** `host:port`, or the path of a Unix socket. */
export function textOf({ host, port, path }: Target): string {
  return path ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

/** Reads what `Socket.connect` was called with, and remembers it. */
export function connecting(socket: Socket, values: readonly unknown[]): Target | undefined {
  const target = targetOf(values);
  if (target !== undefined) targets.set(socket, target);
  return target;
}

/** `connect(port, host)`, `connect(path)`, `connect(options)`, or Node's own `[options, callback]`. */
function targetOf(values: readonly unknown[]): Target | undefined {
  const [first, second] = values;
  if (Array.isArray(first)) return targetOf(first);
  if (typeof first === 'object' && first !== null) {
    const path: unknown = Reflect.get(first, 'path');
    if (typeof path === 'string') return { host: '', port: 0, path };
    return atPort(Reflect.get(first, 'port'), Reflect.get(first, 'host'));
  }
  if (typeof first === 'string' && !/^\d+$/.test(first)) return { host: '', port: 0, path: first };
  return atPort(first, second);
}

function atPort(port: unknown, host: unknown): Target | undefined {
  if (typeof port !== 'number' && typeof port !== 'string') return undefined;
  return { host: typeof host === 'string' ? host : 'localhost', port: Number(port) };
}
