import type pg from 'pg';
import { groupCount } from './key-groups.ts';
import { assignPlace, type Change, changeGroup, type Insider } from './mover.ts';
import type { Verdict } from './gate/verdict.ts';
import { isGated, nextOf } from './next-step.ts';
import type { Action, Next, Rollout, Rollouts } from './rollouts.ts';
import { shadowName } from './shadow.ts';

/** Why a rollout does not get on: these are inside a group's gate and do not come out. */
export interface Blocked {
  /** Null: all, before the first step. */
  readonly group: number | null;
  readonly by: readonly Insider[];
}

export interface ControllerOptions {
  /** A session of its own: it takes the lock of the one who drives, and the gates. */
  readonly connect: () => Promise<pg.Client>;
  readonly rollouts: Rollouts;
  /** What its gate says, such as of a violation on a key of the new strategy. */
  readonly judge: (rollout: Rollout) => Promise<Verdict>;
  /** Told at each turn of those that run, whoever drives. */
  readonly met: (active: readonly Rollout[]) => void;
  /** How long a group may be kept closed. */
  readonly pauseMs: number;
  readonly onError: (error: unknown) => void;
  readonly everyMs?: number;
}

const everyDefaultMs = 250;
const drives = "select pg_try_advisory_lock(hashtextextended('lockstep rollout', 0)) as mine";

const selectAssigned = `
  select key_group as "group", epoch, strategy from lockstep_assignments
  where scenario = $1 and variant = $2`;

const storeBlocked = 'update lockstep_rollouts set blocked = $2 where id = $1';

/**
 * Moves the groups of each rollout to where its step wants them. Every process has one, and one of them
 * at a time drives: if it dies, its session ends, and another goes on from what is in the database.
 */
export class Controller {
  readonly #options: ControllerOptions;
  #client: pg.Client | undefined;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#later();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    await this.#leave();
  }

  #later(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#running = this.#tick().finally(() => this.#later());
    }, this.#options.everyMs ?? everyDefaultMs);
  }

  async #tick(): Promise<void> {
    const { rollouts, met, onError } = this.#options;
    try {
      const active = await rollouts.active();
      met(active);
      if (active.length === 0) return this.#leave();
      const client = await this.#driving();
      if (!client) return;
      for (const rollout of active) await this.#advance(client, rollout);
    } catch (error) {
      onError(error);
      await this.#leave();
    }
  }

  /** Undefined while another process drives. */
  async #driving(): Promise<pg.Client | undefined> {
    if (this.#client) return this.#client;
    const client = await this.#options.connect();
    try {
      const { rows } = await client.query<{ mine: boolean }>(drives);
      if (rows[0]?.mine) this.#client = client;
      else await client.end();
    } catch (error) {
      await client.end().catch(() => {});
      throw error;
    }
    return this.#client;
  }

  /** Ends the session, and with it the lock of the one who drives. */
  async #leave(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {}); // it has gone
  }

  async #advance(client: pg.Client, rollout: Rollout): Promise<void> {
    const { rollouts, judge } = this.#options;
    const judged = rollout.stage === 'aborting' ? undefined : await judge(rollout);
    if (judged?.verdict === 'Failed') {
      const why = saidBy(judged, 'Failed');
      const back: Next = { step: rollout.step, weight: 0, stage: 'aborting', failed: why };
      await rollouts.become(rollout, back, { who: 'gate', action: 'abort', why });
      return; // the next turn goes back
    }
    const blocked = await this.#move(client, rollout);
    await client.query(storeBlocked, [
      rollout.id,
      blocked.length > 0 ? JSON.stringify(blocked) : null,
    ]);
    const next = blocked.length > 0 ? undefined : nextOf(rollout, Date.now());
    if (!next) return;
    if (judged && judged.verdict !== 'Successful' && isGated(rollout, next))
      await this.#hold(rollout, saidBy(judged, 'Inconclusive'));
    else await rollouts.become(rollout, next, byItself(next));
  }

  /** Where it is, for a while; then until a person acts. Want of evidence never promotes. */
  async #hold(rollout: Rollout, why: string): Promise<void> {
    const { rollouts } = this.#options;
    const seconds = await rollouts.hold(rollout);
    if (seconds < rollout.gate.holdSeconds) return;
    const { step, weight, shadow } = rollout;
    const action = `held for ${Math.round(seconds)} s; paused until a person acts`;
    const paused: Next = { step, weight, shadow, stage: 'paused' };
    await rollouts.become(rollout, paused, { who: 'gate', action, why });
  }

  /** Every group that is not where it should be; a group that cannot be closed does not stop the others. */
  async #move(client: pg.Client, rollout: Rollout): Promise<Blocked[]> {
    const { scenario, variant, weight, shadow, from, to } = rollout;
    const { pauseMs } = this.#options;
    const { rows } = await client.query<{ group: number; epoch: string; strategy: string }>(
      selectAssigned,
      [scenario, variant],
    );
    if (rows.length === 0) {
      const first = await assignPlace(client, { scenario, variant, strategy: from }, pauseMs);
      if (first.kind === 'blocked') return [{ group: null, by: first.by }];
      return this.#move(client, rollout);
    }
    const assigned = new Map(rows.map(row => [row.group, row]));
    const blocked: Blocked[] = [];
    for (let group = 0; group < groupCount && !this.#stopped; group += 1) {
      const known = assigned.get(group);
      const wanted = group < weight ? to : group < shadow ? shadowName(from, to) : from;
      if (!known || known.strategy === wanted) continue;
      const epoch = BigInt(known.epoch);
      const change: Change = { scenario, variant, group, epoch, to: wanted };
      const ended = await changeGroup(client, change, pauseMs);
      if (ended.kind === 'blocked') blocked.push({ group, by: ended.by });
      if (ended.kind !== 'changed') break; // somebody acted, or cannot get out: look again
    }
    return blocked;
  }
}

function saidBy({ reasons }: Verdict, name: Verdict['verdict']): string {
  return reasons.flatMap(({ verdict, says }) => (verdict === name ? [says] : [])).join('; ');
}

function byItself({ stage, weight, shadow, step }: Next): Action {
  const what = shadow ? `shadow ${shadow}` : `weight ${weight}`;
  const action = stage === 'progressing' ? `step ${step + 1}: ${what}` : stage;
  return { who: 'lockstep', action, why: 'every group of keys is where the step wants it' };
}
