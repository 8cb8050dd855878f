/** How long groups of keys were closed while they changed hands, as everybody hears of it. */
import pg from 'pg';
import { assignmentChannel } from '../../../src/rollout/assignment-schema.ts';

/** Listens until it is stopped. */
export interface Switches {
  /** Milliseconds from the news that a group closes to the news that it is open again. */
  readonly closedMs: readonly number[];
  stop(): Promise<void>;
}

/** Each change tells twice: the group closes, and it is open. A mover that died in between tells once. */
export async function watchSwitches(databaseUrl: string, pauseMs: number): Promise<Switches> {
  const closedMs: number[] = [];
  let stopped = false;
  let client: pg.Client | undefined;
  let sinceMs: number | undefined;
  const heard = (): void => {
    const nowMs = performance.now();
    const leftMs = sinceMs === undefined ? undefined : nowMs - sinceMs;
    // one group at a time is moved, and none is closed for longer than the pause
    const isEnd = leftMs !== undefined && leftMs <= pauseMs + newsMs;
    if (isEnd) closedMs.push(leftMs);
    sinceMs = isEnd ? undefined : nowMs;
  };
  const listen = async (): Promise<void> => {
    const one = new pg.Client({ connectionString: databaseUrl });
    client = one;
    one.on('error', () => {}); // 'end' comes behind it
    one.on('notification', heard);
    one.once('end', () => {
      sinceMs = undefined;
      if (!stopped) setTimeout(() => void listen().catch(() => {}), againMs);
    });
    await one.connect();
    await one.query(`listen ${assignmentChannel}`);
  };
  await listen();
  return {
    closedMs,
    async stop() {
      stopped = true;
      await client?.end().catch(() => {}); // it has gone
    },
  };
}

/** What the news may take on a busy machine. */
const newsMs = 100;
const againMs = 500;
