/** Runs `explore` as its own process in a group of its own, as a terminal does. */
import { CommandProcess } from '../fixtures/command-process.ts';

export { type Ended, runMs } from '../fixtures/command-process.ts';

export class ExploreProcess extends CommandProcess {
  constructor(args: readonly string[], environment: Readonly<Record<string, string>>) {
    super(['explore', ...args], environment);
  }

  /** How often the actors were started. */
  get orders(): number {
    return this.pidsText()
      .split('\n')
      .filter(line => line === 'order').length;
  }
}
