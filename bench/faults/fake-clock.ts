/** A clock that a program takes for the time of day, and that can be stepped: libfaketime. */
import { chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fakeTimeLibrary } from './needs.ts';
import { serverFolder } from './server-folder.ts';
import { hasEnded } from './servers.ts';
import type { Lab } from './stage.ts';

export interface FakeClock {
  /** With these variables a program has this clock. Its monotonic one stays as it is. */
  readonly environment: Readonly<Record<string, string>>;
  /** Steps it; back by a negative number. */
  step(seconds: number): Promise<void>;
  /** Removes what programs with this clock left behind that were killed. */
  close(): Promise<void>;
}

const shared = '/dev/shm';
const ofProcess = /^(?:sem\.)?faketime_(?:sem|shm)_(\d+)$/;

/** It shows the time until it is stepped. */
export async function fakeClock(lab: Lab): Promise<FakeClock> {
  const library = await fakeTimeLibrary();
  if (library === undefined) throw new Error('libfaketime is gone');
  const { folder } = await serverFolder(lab);
  const file = join(folder, 'time');
  let offset = 0;
  const show = async (): Promise<void> => {
    await writeFile(file, `${offset < 0 ? '' : '+'}${offset}\n`);
    await chmod(file, 0o644);
  };
  await show();
  return {
    environment: {
      // jemalloc asks for the time as it starts, and libfaketime for memory: a circle without libc's own
      LD_PRELOAD: `${library} libc.so.6`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      DONT_FAKE_MONOTONIC: '1',
    },
    async step(seconds) {
      offset += seconds;
      await show();
    },
    async close() {
      for (const name of await readdir(shared).catch(() => [])) {
        const pid = ofProcess.exec(name)?.[1];
        if (pid !== undefined && hasEnded(Number(pid)))
          await rm(join(shared, name), { force: true });
      }
    },
  };
}
