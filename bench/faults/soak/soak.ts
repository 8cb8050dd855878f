/** Strikes cell after cell for a time, and looks between them at what each process holds. */
import { setMaxListeners } from 'node:events';
import { errorMessage } from '../../../src/error-message.ts';
import { UsageError } from '../../lab/command-line.ts';
import { forecast } from '../../lab/forecast.ts';
import { openProgress, type Progress } from '../../lab/progress.ts';
import { waitMs } from '../../lab/wait.ts';
import { Around } from '../around.ts';
import { strikeTogether } from '../cell.ts';
import type { NamedFault } from '../fault.ts';
import { commandLine } from '../options.ts';
import { groupsOf, type Planned } from '../plan.ts';
import { type Plan, planOf } from '../planned-run.ts';
import { Rig } from '../rig.ts';
import { type FaultsGiven, factsOf, headOf, missingFor, nameOf, unstruck } from '../run.ts';
import type { FaultCell } from '../schema.ts';
import { type FaultVerdict, lostOf, verdictOf } from '../verdict.ts';
import { sampleOf, type Watched } from './sample.ts';
import { type Sample, type SoakRun, soakFormat, soakVersion } from './schema.ts';

/** After an injection, until connections of its callers have closed. */
const restMs = 1_000;
/** Of an injection with its rest, for the display. */
const injectionSeconds = 6;
/** So many looks over the whole time, and between two at least one injection. */
const looksMax = 120;
/** So many injections that break off one after the other end the soak. */
const brokenMax = 3;

type Given = Omit<FaultsGiven, 'folder'>;

/**
 * Throws `UsageError` and `RegistryError` before anything has started, and the error if the servers or
 * the service fail to start; later errors are recorded in the run's `end`.
 */
export async function runSoak({ options, environment, output, signal }: Given): Promise<SoakRun> {
  setMaxListeners(0, signal); // one listener per command in flight, which are bounded
  const { soak: minutes } = options;
  if (minutes === undefined) throw new UsageError('--soak needs the minutes');
  const plan = await planOf(options);
  const cells = await soakedOf(plan, options.faults.length > 0);
  if (cells.length === 0) throw new UsageError('no fault of these can be soaked in');
  const progress = openProgress(output, Math.ceil((minutes * 60) / injectionSeconds));
  const time = { work: 'soak', leastSeconds: minutes * 60, mostSeconds: minutes * 60 + 30 };
  const needs = { ...time, besides: 'the start of the servers and of the service' };
  for (const line of await forecast(needs, { out: options.out, startsPostgres: true }))
    progress.note(line);
  const report = (line: string): void => {
    if (!/unexpectedly/.test(line)) progress.note(line); // a server that a fault kills is no news
  };
  const { times, strategyFiles } = plan;
  const rig = await Rig.open({ environment, strategyFiles, times, report, signal });
  const soaked = new Soak(rig, plan, { cells, minutes, seed: options.seed, progress, signal });
  let [end, brokenOff]: [SoakRun['end'], string] = ['complete', ''];
  try {
    await Promise.race([soaked.run(), rig.ended]);
  } catch (error) {
    [end, brokenOff] = signal.aborted ? ['interrupted', ''] : ['broken off', errorMessage(error)];
  } finally {
    progress.end();
    await rig.close();
  }
  const command = commandLine(options);
  return { ...soaked.result(), end, brokenOff, minutes, command, conditions: rig.conditions };
}

/** A fault that ends a process ends what could be watched in it: it takes part where it is asked for. */
async function soakedOf({ cells }: Plan, asked: boolean): Promise<Planned[]> {
  const offered: Planned[] = [];
  for (const one of cells) {
    const { fault, notOffered } = one;
    if (notOffered !== undefined || (!asked && endsProcesses(fault))) continue;
    if ((await missingFor(fault)) === undefined) offered.push(one);
  }
  return offered;
}

/** What has surroundings of its own has a service of its own. */
const endsProcesses = ({ events, surroundings, replaces }: NamedFault): boolean =>
  events.includes('crash') || surroundings !== undefined || replaces === true;

interface SoakPlan {
  readonly cells: readonly Planned[];
  readonly minutes: number;
  readonly seed: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One soak; what was seen so far is in `result`. */
class Soak {
  readonly #rig: Rig;
  readonly #plan: Plan;
  readonly #soak: SoakPlan;
  readonly #startedAt = new Date().toISOString();
  readonly #startMs = performance.now();
  /** The last one of each: what a control shows holds for the others. */
  readonly #judged = new Map<string, FaultCell>();
  readonly #verdicts = new Map<FaultVerdict['verdict'], number>();
  readonly #contradictions: string[] = [];
  readonly #samples: Sample[] = [];
  #passes = 0;
  #broken = 0;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #acknowledged = 0;
  #lost = 0;

  constructor(rig: Rig, plan: Plan, soak: SoakPlan) {
    this.#rig = rig;
    this.#plan = plan;
    this.#soak = soak;
  }

  async run(): Promise<void> {
    const around = new Around(this.#rig.lab);
    try {
      while (!this.#isOver()) await this.#pass(around);
    } finally {
      await around.leave();
    }
  }

  async #pass(around: Around): Promise<void> {
    const { cells, minutes, signal } = this.#soak;
    const everyMs = (minutes * 60_000) / looksMax;
    this.#passes += 1;
    for (const group of groupsOf(cells)) {
      if (this.#isOver()) return;
      const struck = await this.#struck(group, around);
      this.#broken = struck.every(({ state }) => state === 'broken off') ? this.#broken + 1 : 0;
      if (this.#broken === brokenMax)
        throw new Error(`${brokenMax} injections in a row broke off: ${struck[0]?.because}`);
      for (const [index, planned] of group.entries()) this.#note(planned, struck[index]);
      await waitMs(restMs, signal);
      if (performance.now() - this.#lookedMs < everyMs) continue;
      this.#lookedMs = performance.now();
      await this.#look();
    }
  }

  result(): Omit<SoakRun, 'end' | 'brokenOff' | 'minutes' | 'command' | 'conditions'> {
    const { cells, seed } = this.#soak;
    return {
      format: soakFormat,
      version: soakVersion,
      startedAt: this.#startedAt,
      seconds: this.#minutes() * 60,
      seed,
      faults: [...new Set(cells.map(({ fault }) => fault.name))],
      strategies: [...new Set(cells.map(({ strategy }) => strategy.name))],
      passes: this.#passes,
      verdicts: Object.fromEntries(this.#verdicts),
      contradictions: this.#contradictions,
      acknowledged: this.#acknowledged,
      lost: this.#lost,
      samples: this.#samples,
    };
  }

  async #look(): Promise<void> {
    // whoever was replaced meanwhile has another process id, and the old one may be anybody's
    await Promise.all(this.#rig.workers.map(worker => worker.back()));
    for (const one of this.#watched()) {
      const sample = await sampleOf(one, this.#rig.storePorts, this.#minutes()).catch(
        () => undefined,
      );
      if (sample) this.#samples.push(sample);
    }
  }

  #minutes(): number {
    return (performance.now() - this.#startMs) / 60_000;
  }

  #isOver(): boolean {
    return this.#minutes() >= this.#soak.minutes;
  }

  #watched(): Watched[] {
    const { primaryPid, workers } = this.#rig;
    const processes = workers.map(({ index, pid }) => ({ name: `process ${index + 1}`, pid }));
    return [{ name: 'primary', pid: primaryPid }, ...processes];
  }

  /** In the order of the group. */
  async #struck(group: readonly Planned[], around: Around): Promise<FaultCell[]> {
    const { progress, seed, signal } = this.#soak;
    const { scenario, times, variantName: variant } = this.#plan;
    const [first] = group;
    if (!first) return [];
    const besides = group.length > 1 ? ` and ${group.length - 1} more` : '';
    progress.step(`${this.#minutes().toFixed(1)} min: ${nameOf(first)}${besides}`);
    try {
      await around.enter(first.fault);
      await Promise.all(this.#rig.workers.map(worker => worker.back()));
      const plan = { fault: first.fault, members: group, scenario, variant, times };
      const seeded = { ...plan, seed: seed + this.#passes };
      const parts = await strikeTogether(this.#rig, seeded, signal);
      return group.map((planned, index) => {
        const { history: _, ...part } = parts[index] ?? { ...lost, history: [] };
        return { ...headOf(planned), ...part, strip: null, seconds: 0 };
      });
    } catch (error) {
      signal.throwIfAborted();
      const because = errorMessage(error);
      return group.map(one => ({ ...headOf(one), ...unstruck, state: 'broken off', because }));
    }
  }

  #note(planned: Planned, cell: FaultCell | undefined): void {
    if (!cell) return;
    const { faults, times } = this.#plan;
    this.#judged.set(nameOf(planned), cell);
    const run = { faults: faults.map(factsOf), times, cells: [...this.#judged.values()] };
    this.#acknowledged += cell.judged?.acknowledged ?? 0;
    if (cell.control) return;
    const { verdict, because } = verdictOf(run, cell);
    this.#lost += lostOf(cell);
    this.#verdicts.set(verdict, (this.#verdicts.get(verdict) ?? 0) + 1);
    if (verdict === 'contradicts') this.#contradictions.push(`${nameOf(planned)}: ${because}`);
  }
}

const lost = { ...unstruck, state: 'broken off', because: 'it was not struck' } as const;
