import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { allProveSql } from './fleet.ts';
import type { Verdict } from './gate/verdict.ts';
import { groupCount } from './key-groups.ts';
import { assignPlace, type Change, type Changed, changeGroup, type Insider } from './mover.ts';
import { isGated, nextOf } from './next-step.ts';
import { type Action, type Next, type Rollout, type Rollouts, stillSql } from './rollouts.ts';
import { shadowName } from './shadow.ts';

/** Why a rollout does not get on: these are inside a group's gate and do not come out. */
export interface Blocked {
  /** Null: all, before the first step. */
  readonly group: number | null;
  readonly by: readonly Insider[];
  /** Where it is not somebody inside. */
  readonly because?: string;
}

export interface ControllerOptions {
  /** A session of its own, which waits at the gates. */
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
/** A try keeps newcomers waiting for the pause: whoever is inside for long must not cost them half their time. */
const againFirstMs = 1_000;
const againMaxMs = 15_000;
/** Each keeps its newcomers waiting for the pause: somebody who is inside everywhere, say. */
const blockedMax = 3;

const selectAssigned = `
  select key_group as "group", epoch, strategy from lockstep_assignments
  where scenario = $1 and variant = $2`;

const storeBlocked = 'update lockstep_rollouts set blocked = $2 where id = $1';

/** What stands in the way of a rollout, and when to try again. */
interface Stalled {
  /** Where the rollout was: an abort is tried at once. */
  readonly at: string;
  readonly waitMs: number;
  readonly againMs: number;
}

/**
 * Moves the groups of each rollout to where its step wants them. Every process has one, and one of them
 * at a time drives: if it dies or freezes, another goes on from what is in the database. That it is one
 * saves work and guarantees nothing: each change is proved by itself.
 */
export class Controller {
  readonly #options: ControllerOptions;
  readonly #id = randomUUID();
  readonly #stalled = new Map<string, Stalled>();
  /** Groups that could not be closed at the last try, per rollout: they come last, or they would keep the others. */
  readonly #blocked = new Map<string, ReadonlySet<number>>();
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
      if (active.length === 0) {
        this.#blocked.clear();
        return await this.#leave();
      }
      if (!(await rollouts.drive(this.#id))) return await this.#leave();
      this.#client ??= await this.#options.connect();
      const failed: unknown[] = [];
      for (const rollout of active)
        await this.#advance(this.#client, rollout).catch(error => failed.push(error));
      if (failed.length > 0) throw failed[0];
    } catch (error) {
      onError(error);
      await this.#leave();
    }
  }

  /** Lets another process drive. */
  async #leave(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (!client) return;
    await client.end().catch(() => {}); // it has gone
    await this.#options.rollouts.driveNoMore(this.#id).catch(() => {}); // it ends by itself
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
    if (this.#waits(rollout)) return;
    const { blocked, arrived } = await this.#move(client, rollout);
    this.#noteStalled(rollout, blocked.length > 0);
    await client.query(storeBlocked, [
      rollout.id,
      blocked.length > 0 ? JSON.stringify(blocked) : null,
    ]);
    const next = arrived ? nextOf(rollout, Date.now()) : undefined;
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

  #waits(rollout: Rollout): boolean {
    const stalled = this.#stalled.get(rollout.id);
    return stalled?.at === placeIn(rollout) && performance.now() < stalled.againMs;
  }

  #noteStalled(rollout: Rollout, isBlocked: boolean): void {
    const at = placeIn(rollout);
    const before = this.#stalled.get(rollout.id);
    this.#stalled.delete(rollout.id);
    if (!isBlocked) return;
    const waitMs = before?.at === at ? Math.min(againMaxMs, before.waitMs * 2) : againFirstMs;
    this.#stalled.set(rollout.id, { at, waitMs, againMs: performance.now() + waitMs });
  }

  #inOrder({ id }: Rollout): readonly number[] {
    const last = this.#blocked.get(id) ?? new Set();
    const first = Array.from({ length: groupCount }, (_, group) => group);
    return [...first.filter(group => !last.has(group)), ...last];
  }

  #noteBlocked({ id }: Rollout, group: number, isBlocked: boolean): void {
    const others = [...(this.#blocked.get(id) ?? [])].filter(other => other !== group);
    this.#blocked.set(id, new Set(isBlocked ? [...others, group] : others));
  }

  /** Every group that is not where it should be; one that cannot be closed does not stop the others. */
  async #move(client: pg.Client, rollout: Rollout): Promise<Moved> {
    const { scenario, variant, weight, shadow, from, to } = rollout;
    const { pauseMs, rollouts, judge } = this.#options;
    const place = { scenario, variant };
    const wanted = stillSql(rollout);
    const { rows } = await client.query<{ group: number; epoch: string; strategy: string }>(
      selectAssigned,
      [scenario, variant],
    );
    if (rows.length === 0) {
      if (rollout.stage === 'aborting') return { blocked: [], arrived: true }; // nothing was moved
      const first = { ...place, strategy: from, allProve: allProveSql, wanted };
      return notYet(await assignPlace(client, first, pauseMs));
    }
    const assigned = new Map(rows.map(row => [row.group, row]));
    const blocked: Blocked[] = [];
    for (const group of this.#inOrder(rollout)) {
      const known = assigned.get(group);
      const goal = group < weight ? to : group < shadow ? shadowName(from, to) : from;
      if (!known || known.strategy === goal) continue;
      if (this.#stopped || blocked.length >= blockedMax) return { blocked, arrived: false };
      // a violation does not wait until all groups have moved
      if (rollout.stage !== 'aborting' && (await judge(rollout)).verdict === 'Failed')
        return { blocked, arrived: false };
      // somebody has acted, or another process drives
      if (!(await rollouts.isStill(rollout, this.#id))) return { blocked, arrived: false };
      const epoch = BigInt(known.epoch);
      const change: Change = { scenario, variant, group, epoch, to: goal, wanted };
      const ended = await changeGroup(client, change, pauseMs);
      if (ended.kind === 'blocked') blocked.push({ group, by: ended.by });
      this.#noteBlocked(rollout, group, ended.kind === 'blocked');
      if (ended.kind === 'outdated') return { blocked, arrived: false }; // somebody was faster: look again
    }
    return { blocked, arrived: blocked.length === 0 };
  }
}

/** How far a turn came. */
interface Moved {
  readonly blocked: readonly Blocked[];
  /** Whether every group is where the rollout wants it. */
  readonly arrived: boolean;
}

/** All keys have their first assignment, or have not: the next turn goes on. */
function notYet(ended: Changed): Moved {
  if (ended.kind === 'changed') return { blocked: [], arrived: false };
  const because = ended.kind === 'outdated' ? 'the keys are assigned already' : ended.because;
  const by = ended.kind === 'blocked' ? ended.by : [];
  const blocked = { group: null, by, ...(because !== undefined && { because }) };
  return { blocked: [blocked], arrived: false };
}

function placeIn({ stage, step, weight }: Rollout): string {
  return `${stage} ${step} ${weight}`; // a step says the shadow as well
}

function saidBy({ reasons }: Verdict, name: Verdict['verdict']): string {
  return reasons.flatMap(({ verdict, says }) => (verdict === name ? [says] : [])).join('; ');
}

function byItself({ stage, weight, shadow, step }: Next): Action {
  const what = shadow ? `shadow ${shadow}` : `weight ${weight}`;
  const action = stage === 'progressing' ? `step ${step + 1}: ${what}` : stage;
  return { who: 'lockstep', action, why: 'every group of keys is where the step wants it' };
}
