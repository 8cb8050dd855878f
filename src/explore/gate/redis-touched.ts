import type { TouchedKeys } from './lane.ts';
import { keysOfAll } from './redis-command.ts';

/** The keys that the last step on a connection may have used. */
export class RedisTouched {
  last: TouchedKeys | undefined = undefined;
  /** Keys whose change would make its EXEC fail. */
  #watches = false;

  /** `commands`: of the step, those that MULTI queued among them. */
  sends(name: string, commands: readonly (readonly string[])[]): void {
    this.last = this.#watches ? undefined : keysOfAll(commands);
    if (name === 'watch') this.#watches = true;
    else if (name === 'exec' || name === 'discard' || name === 'unwatch') this.#watches = false;
  }

  /** A write that was refused has only read. */
  refused(): void {
    if (this.last !== undefined) this.last = { ...this.last, use: 'reads' };
  }
}
