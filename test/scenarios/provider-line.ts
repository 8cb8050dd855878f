import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';

/** A line to a real provider on which a test can hold, cut or follow what was paid. */
export class ProviderLine {
  readonly url: string;
  readonly #server: Server;
  readonly #target: string;
  #payments = 0;
  #after: readonly [number: number, work: () => Promise<void>] | undefined;
  #cut: number | undefined;
  #together = 0;
  #release: () => void = () => {};
  #released: Promise<void> = Promise.resolve();

  private constructor(server: Server, port: number, target: string) {
    this.#server = server;
    this.#target = target;
    this.url = `http://127.0.0.1:${port}`;
    server.on('request', (request, response) => void this.#pass(request, response));
  }

  static open(target: string): Promise<ProviderLine> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address === 'object' && address)
          resolve(new ProviderLine(server, address.port, target));
        else reject(new Error('the line has no port'));
      });
    });
  }

  reset(): void {
    this.#payments = 0;
    this.#after = undefined;
    this.#cut = undefined;
    this.together(0);
  }

  /** Runs `work` when the provider has made its so-manieth payment, before its answer is passed on. */
  afterPayment(number: number, work: () => Promise<void>): void {
    this.#after = [number, work];
  }

  /** Breaks the connection instead of passing the so-manieth answer on. */
  cutAnswer(number: number): void {
    this.#cut = number;
  }

  /** Holds the answers until so many have been paid. */
  together(count: number): void {
    this.#release();
    this.#together = count;
    this.#released = new Promise(resolve => {
      this.#release = resolve;
    });
    if (count === 0) this.#release();
  }

  close(): Promise<void> {
    return new Promise(resolve => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = request.headers['idempotency-key'];
    const answer = await fetch(`${this.#target}${request.url ?? ''}`, {
      method: 'POST',
      headers: typeof key === 'string' ? { 'idempotency-key': key } : {},
      body: await text(request),
    });
    const body = await answer.text();
    this.#payments += 1;
    const number = this.#payments;
    if (this.#after?.[0] === number) await this.#after[1]();
    if (number >= this.#together) this.#release();
    await this.#released;
    if (this.#cut === number) request.socket.destroy();
    else response.writeHead(answer.status, { 'content-type': 'application/json' }).end(body);
  }
}
