/** What a run will need, told before work begins: as far as its plan says it, and nothing beyond that. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';

/** The time of a run by its plan. */
export interface TimePlan {
  /** What is planned: "6 cells". */
  readonly work: string;
  /** The plan aims at this, and shares it over its parts. */
  readonly aboutSeconds?: number;
  /** The plan cannot end earlier. Absent if it may. */
  readonly leastSeconds?: number;
  /** The plan ends by then, whatever happens. Absent if nothing bounds it. */
  readonly mostSeconds?: number;
  /** What the plan does not count: "the start of the servers". */
  readonly besides: string;
}

/** What a run writes. */
export interface SpacePlan {
  /** Where results go, if they are kept. */
  readonly out?: string;
  /** Whether a Postgres is started: its data is below the folder for temporary files. */
  readonly startsPostgres: boolean;
}

/** A Postgres started here: 41 MiB empty, 55 to 90 MiB with the schemas of a run (measured with du). */
const serverMiB = 90;
/** The default of `max_wal_size`, which servers started here keep; rows come on top. */
const walMiB = 1_024;

/** The lines to tell: time, then space, with a warning where less is free than is needed. */
export async function forecast(time: TimePlan, space: SpacePlan): Promise<readonly string[]> {
  return [timeText(time), ...(await spaceText(space))];
}

/** "6 cells: 2 min to 9 min, besides the start of the servers." */
export function timeText(plan: TimePlan): string {
  return `${plan.work}: ${lengthText(plan)}, besides ${plan.besides}.`;
}

function lengthText({ leastSeconds, aboutSeconds, mostSeconds }: TimePlan): string {
  if (aboutSeconds !== undefined) return `about ${durationText(aboutSeconds)}`;
  const least = leastSeconds === undefined ? undefined : durationText(leastSeconds);
  const most = mostSeconds === undefined ? undefined : durationText(mostSeconds);
  if (least !== undefined && most !== undefined)
    return least === most ? least : `${least} to ${most}`;
  if (least !== undefined) return `at least ${least}`;
  return most === undefined ? 'as long as this machine needs' : `at most ${most}`;
}

/** "45 s", "12 min", "1 h 5 min": rounded up. */
export function durationText(seconds: number): string {
  if (seconds <= 90) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}

async function spaceText({ out, startsPostgres }: SpacePlan): Promise<readonly string[]> {
  const lines =
    out === undefined
      ? []
      : [`Results go to ${out}, where ${sizeText(await freeMiB(out))} are free.`];
  if (!startsPostgres) return lines;
  const free = await freeMiB(tmpdir());
  lines.push(
    `The Postgres that is started takes up to ${serverMiB} MiB, ${sizeText(walMiB)} of write-ahead log and ` +
      `its rows below ${tmpdir()}, where ${sizeText(free)} are free.`,
  );
  if (free < serverMiB + walMiB)
    lines.push('That may not be enough: free some space, or name another folder with TMPDIR.');
  return lines;
}

async function freeMiB(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return (bavail * bsize) / 2 ** 20;
}

function sizeText(mib: number): string {
  return mib < 1_024
    ? `${Math.floor(mib)} MiB`
    : `${(mib / 1_024).toFixed(mib < 10_240 ? 1 : 0)} GiB`;
}
