import type { ActorUrls } from './actor.ts';
import {
  type CommandActor,
  environmentOf,
  listening,
  type ProcessTie,
  RealTimeActor,
  type RequestActor,
  seldomMs,
  told,
} from './child-actor.ts';
import { OwnedProcess } from './owned-process.ts';

/** A service that stays from one execution to the next. */
export class WarmService {
  readonly process: OwnedProcess;
  readonly #port: number;
  #gone: string | undefined;
  /** Told when it ends while somebody waits for its answer. */
  onEnd: (why: string) => void = () => undefined;

  constructor(program: CommandActor, urls: ActorUrls, port: number) {
    this.#port = port;
    const end = (why: string): void => {
      this.#gone ??= why;
      this.onEnd(why);
    };
    const env = { ...environmentOf(urls), PORT: String(port) };
    this.process = new OwnedProcess(program, env, seldomMs, {
      failed: end,
      ended: (code, words) =>
        end(`the service ended before it answered (${code ?? 'by a signal'}): ${words}`),
    });
  }

  get gone(): boolean {
    return this.#gone !== undefined;
  }

  /** Rejects where nobody will listen. */
  async listening(): Promise<void> {
    await listening(this.#port, () => this.gone).catch((error: unknown) => {
      throw new Error(this.#gone ?? String(error), { cause: error });
    });
  }

  async answer(actor: RequestActor): Promise<unknown> {
    return told(this.#port, actor);
  }

  kill(): void {
    this.#gone ??= 'it was ended';
    this.process.kill();
  }
}

/** One request to a service that stays; what it leaves unfinished takes the process with it. */
export class WarmCall extends RealTimeActor {
  protected override readonly process: OwnedProcess;
  readonly #service: WarmService;

  constructor(name: string, actor: RequestActor, service: WarmService, tie: ProcessTie) {
    super(name, tie);
    this.#service = service;
    this.process = service.process;
    service.onEnd = message => this.finish({ kind: 'threw', message });
    service.answer(actor).then(
      value => this.finish({ kind: 'returned', value }),
      (error: unknown) => this.finish({ kind: 'threw', message: String(error) }),
    );
  }

  kill(): void {
    this.#service.onEnd = () => undefined;
    if (this.end?.kind === 'returned') return;
    this.end ??= { kind: 'crashed' };
    this.#service.kill();
  }
}
