import type { RequestListener, Server } from 'node:http';
import type { Socket } from 'node:net';
import { answerProblem } from './answer.ts';
import { identify } from './request-id.ts';

/** Connections beyond the limit that a server may have open at once, to tell them so. */
export const refusalsMax = 16;
const refusalMaxMs = 1_000;

/** Cheap, and asked by those who decide whether this process lives and is sent requests. */
const probes: ReadonlySet<string | undefined> = new Set(['/livez', '/readyz', '/metrics']);

/**
 * Bounds the connections of a process, over all its servers: a process that runs out of file
 * descriptors takes no connection any more, not even when it has some again (node:cluster waits for
 * ever for a worker that could not be handed one). Beyond the limit a few connections are told 503,
 * and those beyond that are closed.
 */
export class ConnectionLimit {
  readonly #max: number;
  readonly #onRefused: () => void;
  readonly #excess = new WeakSet<Socket>();
  #open = 0;

  constructor(max: number, onRefused: () => void) {
    this.#max = max;
    this.#onRefused = onRefused;
  }

  get load(): { readonly open: number; readonly max: number } {
    return { open: this.#open, max: this.#max };
  }

  /** Counts the connections of a server. */
  bind(server: Server): void {
    let excess = 0;
    server.on('connection', (socket: Socket) => {
      if (this.#open < this.#max) {
        this.#open += 1;
        socket.once('close', () => {
          this.#open -= 1;
        });
        return;
      }
      this.#onRefused();
      if (excess >= refusalsMax) {
        socket.destroy();
        return;
      }
      excess += 1;
      this.#excess.add(socket);
      const late = setTimeout(() => socket.destroy(), refusalMaxMs);
      socket.once('close', () => {
        clearTimeout(late);
        excess -= 1;
      });
    });
  }

  /** Answers for `app` on a connection beyond the limit, except to probes. */
  through(app: RequestListener): RequestListener {
    return (request, response) => {
      if (!this.#excess.has(request.socket)) {
        app(request, response);
        return;
      }
      response.setHeader('connection', 'close');
      if (probes.has(request.url)) {
        app(request, response);
        return;
      }
      identify(request, response);
      answerProblem(response, 'too-many-connections', undefined);
    };
  }
}
