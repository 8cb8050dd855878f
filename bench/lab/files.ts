/** Where results are kept, and what a reader says of a file that it cannot read. */
import type { Conditions } from './shapes.ts';

/** A file that is no run of this version. The message says what it is and what to do. */
export class UnreadableRun extends Error {
  override readonly name = 'UnreadableRun';
}

/** The folder of a run: sorts by time, and says which code was measured. */
export function folderName({
  startedAt,
  conditions,
}: {
  readonly startedAt: string;
  readonly conditions: Pick<Conditions, 'commit'>;
}): string {
  const time = startedAt.replace(/\.\d+Z$/, 'Z').replaceAll(':', '-');
  return `${time}-${conditions.commit.slice(0, 7)}`;
}
