import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Cell } from '../engine/observer.ts';
import { errorMessage } from '../error-message.ts';

/** One command that ended, as a line of a history. Times in microseconds; see `docs/history.md`. */
export interface HistoryLine extends Cell {
  readonly key: string;
  readonly commandId: string;
  /** Two commands of one caller are no rivals. */
  readonly caller: string;
  /** When it began to ask for its turn. */
  readonly askedUs: number;
  /** From the answer to its deciding read to the end of its COMMIT; null without a COMMIT. */
  readonly decidedUs: readonly [from: number, until: number] | null;
  readonly endedUs: number;
  readonly outcome: string;
  /** Reason of a refusal, code of a failure, id of what was made. */
  readonly detail: string;
  readonly attempts: number;
}

/** Why no history can be kept in a folder, as a sentence; undefined if it can. Makes the folder. */
export function historyProblem(folder: string | undefined): string | undefined {
  if (folder === undefined) return undefined;
  try {
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    return `COMMAND_HISTORY cannot be used (${errorMessage(error)}); name a folder that this user may write`;
  }
}

/** The folder above must exist: `recursive` never returns below /proc (Node 20). */
function makeFolder(folder: string): void {
  if (!existsSync(folder)) mkdirSync(folder);
}

/** Beyond this, lines are dropped: a slow disk must not take the service's memory. */
const bufferMaxBytes = 16 * 1_024 * 1_024;

/** Appends the commands of one process to a file of its own, `commands-<pid>.jsonl`. */
export class CommandHistory {
  readonly #file: ReturnType<typeof pino.destination>;
  #dropped = 0;

  /** Throws if the folder cannot be made or the file not be opened. */
  constructor(folder: string) {
    makeFolder(folder);
    const dest = join(folder, `commands-${process.pid}.jsonl`);
    this.#file = pino.destination({ dest, append: true, sync: false, maxLength: bufferMaxBytes });
    this.#file.on('drop', () => {
      this.#dropped += 1;
    });
    this.#file.on('error', () => {
      this.#dropped += 1; // a full disk: what is missing makes the history shorter, never the service
    });
  }

  /** How many lines could not be written. */
  get dropped(): number {
    return this.#dropped;
  }

  note(line: HistoryLine): void {
    this.#file.write(`${JSON.stringify(line)}\n`);
  }

  /** Writes what is left. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this.#file.once('close', resolve);
      this.#file.once('error', resolve);
      this.#file.end();
    });
  }
}
