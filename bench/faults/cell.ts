/** Strikes the commands of several strategies by one injection, while load goes on elsewhere. */
import { waitMs } from '../lab/wait.ts';
import { Course, otherService } from './course.ts';
import type { GroupPlan, Member, StruckAt } from './group-plan.ts';
import type { Operation } from './history.ts';
import type { Rig } from './rig.ts';
import type { FaultCell } from './schema.ts';
import type { Stage } from './stage.ts';

/** What striking adds to the plan of a cell. */
export type StruckPart = Pick<
  FaultCell,
  'state' | 'because' | 'marks' | 'judged' | 'audit' | 'strip' | 'ready' | 'wire'
>;

export interface StruckCell extends StruckPart {
  readonly history: readonly Operation[];
}

const calmMs = 400; // what other keys saw before
const reachMaxMs = 3_000;
/** Whoever is held first must not have given up when the last one is. */
const reachTogetherMs = 1_200;
const injectMaxMs = 30_000;
const afterMs = 300; // what other keys saw afterwards
const lookMs = 10;
const readyMaxMs = 1_000;

/** One strategy alone; see `strikeTogether`. */
export type CellPlan = Omit<GroupPlan, 'members'> & Omit<Member, 'undefended'>;

export async function strikeCell(
  rig: Rig,
  { phase, strategy, ...plan }: CellPlan,
  signal: AbortSignal,
): Promise<StruckCell> {
  const members = [{ phase, strategy, undefended: false }];
  const [cell] = await strikeTogether(rig, { ...plan, members }, signal);
  if (!cell) throw new Error('nobody was struck');
  return cell;
}

/** The cells, in the order of the members. Rejects where the rig, not a strategy, is at fault. */
export async function strikeTogether(
  rig: Rig,
  plan: GroupPlan,
  signal: AbortSignal,
): Promise<readonly StruckCell[]> {
  const courses: Course[] = [];
  try {
    for (const member of plan.members) courses.push(await Course.open(rig, plan, member, signal));
    await waitMs(calmMs, signal);
    const { at, ready } = await struck(rig, plan, courses, signal);
    await Promise.all(courses.map(course => course.settle()));
    return await Promise.all(courses.map(course => course.outcome(at, ready)));
  } finally {
    for (const course of courses) course.close();
  }
}

interface Struck {
  readonly at: StruckAt | undefined;
  readonly ready: FaultCell['ready'];
}

async function struck(
  rig: Rig,
  plan: GroupPlan,
  courses: readonly Course[],
  signal: AbortSignal,
): Promise<Struck> {
  const withinMs = courses.length > 1 ? reachTogetherMs : reachMaxMs;
  await Promise.all(courses.map(course => course.watch(reachMaxMs)));
  const stage = rig.stage(courses);
  await plan.fault.prepare?.(stage);
  await Promise.all(courses.map(course => course.hold(withinMs)));
  const held = courses.filter(({ because }) => because === undefined);
  for (const course of courses) if (!held.includes(course)) course.lift();
  if (held.length === 0) return { at: undefined, ready: null };
  const { ready, ...at } = await faulty(rig, plan, stage, held, signal);
  await Promise.all(held.map(course => course.finish()));
  await waitMs(afterMs, signal);
  return { at: { ...at, endedMs: performance.now() }, ready };
}

/** Injects, sends rivals to the other process, waits, heals. */
async function faulty(
  rig: Rig,
  { fault, times }: GroupPlan,
  stage: Stage,
  held: readonly Course[],
  signal: AbortSignal,
): Promise<Omit<StruckAt, 'endedMs'> & Pick<Struck, 'ready'>> {
  const heal = async (): Promise<void> => {
    await within(2 * injectMaxMs, fault.heal(stage), `${fault.name}: healing took too long`);
    for (const { strike } of held) rig.lift(strike);
  };
  const injectedMs = performance.now();
  let healing = false;
  try {
    await within(injectMaxMs, fault.inject(stage), `${fault.name} took too long`);
    for (const course of held) course.liftHolder();
    const lastMs = injectedMs + fault.lastsMs(times);
    const rivals = held.flatMap(course => course.rivals(lastMs + times.leaseMs));
    await answered(rivals, injectedMs + (fault.leastMs?.(times) ?? 0), lastMs, signal);
    const ready = await readiness(rig.processUrls[otherService]);
    healing = true;
    await heal();
    const healedMs = performance.now();
    await Promise.all(rivals);
    return { injectedMs, healedMs, ready };
  } catch (error) {
    if (!healing) await heal().catch(() => {}); // the first error counts
    throw error;
  }
}

/** Until all have their answer, not before the one time and not after the other. */
async function answered(
  all: readonly Promise<void>[],
  fromMs: number,
  untilMs: number,
  signal: AbortSignal,
): Promise<void> {
  let open = all.length;
  for (const one of all)
    one.then(
      () => {
        open -= 1;
      },
      () => {},
    );
  while (performance.now() < untilMs && (open > 0 || performance.now() < fromMs))
    await waitMs(lookMs, signal);
}

/** What the process that was not struck says of itself. */
async function readiness(url: string | undefined): Promise<FaultCell['ready']> {
  try {
    const { ok } = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(readyMaxMs) });
    return ok ? 'ready' : 'not ready';
  } catch {
    return 'no answer';
  }
}

async function within<T>(limitMs: number, work: Promise<T>, why: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(why)), limitMs);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
