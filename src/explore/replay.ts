import { checkConfig } from './config-check.ts';
import { SetupFailed } from './failed.ts';
import { type ExecutionRecord, Stage, type Subject } from './run/stage.ts';
import { Follow, type FollowMode } from './search/follow.ts';
import { Nondeterministic } from './search/point.ts';
import { beginsAlone, parseSchedule, type Schedule } from './search/schedule.ts';
import { type ReplayOptions, settingsOf } from './settings.ts';

/**
 * Runs one schedule, `v2:…` or `v1:…`, again. Throws Nondeterministic where a strict replay cannot be
 * followed to its end because the code, the data or the options have changed, and SetupFailed where
 * the servers or the setup fail.
 */
export async function replay(
  subject: Subject,
  schedule: string,
  options: ReplayOptions,
): Promise<readonly ExecutionRecord[]> {
  checkConfig(subject, options);
  const parsed = parseSchedule(schedule);
  const beginsApart = parsed.tokens.some(beginsAlone);
  const leasesTogether = parsed.version === 1;
  const settings = { ...settingsOf(options), leasesTogether, beginsApart };
  const stage = await Stage.open(subject, options.servers, settings).catch((error: unknown) => {
    throw new SetupFailed(error);
  });
  try {
    const records: ExecutionRecord[] = [];
    for (let time = 0; time < (options.times ?? 1); time++) {
      records.push(await followed(stage, parsed, options.mode ?? 'strict'));
    }
    return records;
  } finally {
    await stage.close();
  }
}

/** Attempts at a replay in which the server has to choose between waiters as it did before. */
const triesMax = 60;

async function followed(
  stage: Stage,
  schedule: Schedule,
  mode: FollowMode,
): Promise<ExecutionRecord> {
  for (let tries = 1; ; tries++) {
    const follow = new Follow(schedule, mode);
    try {
      const record = await stage.execute(follow);
      // An inconclusive run may have ended anywhere: that says nothing about the program.
      if (record.end.kind !== 'inconclusive') follow.checkEnd();
      return record;
    } catch (error) {
      const again = error instanceof Nondeterministic && follow.raced && tries < triesMax;
      if (!again) throw error;
    }
  }
}
