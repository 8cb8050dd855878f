/** What each process of the service holds while nothing is under way in it. */
import { heapBytesOf } from '../inspector.ts';
import { descriptorsOf, residentBytesOf } from '../sockets.ts';
import type { Sample } from './schema.ts';

export interface Watched {
  readonly name: string;
  readonly pid: number;
}

/** `storePorts`: where the connections to the stores lead. */
export async function sampleOf(
  { name, pid }: Watched,
  storePorts: ReadonlySet<number>,
  minutes: number,
): Promise<Sample> {
  // the inspector opens descriptors of its own: they are counted before
  const { files, connections } = descriptorsOf(pid, storePorts);
  const heapBytes = await heapBytesOf(pid).catch(() => null);
  return {
    process: name,
    pid,
    minutes,
    residentBytes: residentBytesOf(pid),
    heapBytes,
    files,
    connections,
  };
}
