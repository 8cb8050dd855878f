import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type KeeperNotice, markVariable, type Owned } from './owned.ts';

/** Gives back what `own` took over. */
export type Disown = () => void;

/**
 * A process of its own session that outlives this one just long enough to end the programs of actors,
 * drop the explorer's databases and empty its Redis, however this process ends, SIGKILL included.
 * There is one for all explorations of a process, from the first on; it never keeps it alive.
 */
export class Keeper {
  /** In the environment of every program of an actor: see `markVariable`. */
  readonly mark = `${process.pid}-${randomBytes(6).toString('hex')}`;
  readonly #process: ChildProcess;
  #lastKey = 0;

  constructor() {
    // An explorer inside an actor has a keeper that must not end as one of the actor's programs.
    const { NODE_OPTIONS: _options, [markVariable]: _mark, ...env } = process.env;
    this.#process = spawn(process.execPath, keeperArguments(), {
      env,
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    // Without a keeper, what is left behind is removed by a later run.
    this.#process.on('error', () => {});
    this.#tell({ kind: 'mark', mark: this.mark });
    this.#process.unref();
    this.#process.channel?.unref();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** From now on, until it is disowned, this ends with this process. */
  own(what: Owned): Disown {
    const key = ++this.#lastKey;
    this.#tell({ kind: 'own', key, what });
    return () => this.#tell({ kind: 'disown', key });
  }

  #tell(notice: KeeperNotice): void {
    if (this.#process.connected) this.#process.send(notice, () => {});
  }
}

let opened: Keeper | undefined;

/** The keeper of this process, started at the first call. */
export function keeper(): Keeper {
  opened ??= new Keeper();
  return opened;
}

/** From the sources it needs the loader that this project runs by. */
function keeperArguments(): string[] {
  const extension = extname(import.meta.url);
  const file = fileURLToPath(new URL(`./keeper-process${extension}`, import.meta.url));
  if (extension !== '.ts') return [file];
  const loader = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(loader).href, file];
}
