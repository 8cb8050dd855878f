/** Measures cells on a running stack, repetition by repetition, then audits them. */
import type { RegisteredScenario } from '../../src/engine/registry.ts';
import { PostgresStore } from '../../src/store/postgres.ts';
import { Judge } from '../lab/audit.ts';
import { budgetMs, limitsOf, orderOf, type PhaseLimits, type PlannedCell } from '../lab/plan.ts';
import type { Progress } from '../lab/progress.ts';
import { randomOf } from '../lab/random.ts';
import { deltaOf, type Page, scrape } from '../lab/scrape.ts';
import type { Claims } from '../lab/shapes.ts';
import type { Stack } from '../lab/stack.ts';
import { keysMin } from '../lab/verdict.ts';
import { askAgain, type ContestedKey } from './ask-again.ts';
import { Client, type ClientOptions } from './client.ts';
import { isMainJob, type Settings } from './options.ts';
import { contested, type PhaseLog, single } from './phase.ts';
import {
  type Asked,
  type Cell,
  type Phase,
  type PhaseName,
  phaseNames,
  type Repetition,
} from './schema.ts';

/** What was measured of a cell so far: complete repetitions only, but every warm-up. */
export interface CellLog {
  readonly cell: PlannedCell;
  readonly warmUp: Phase[];
  readonly repetitions: Repetition[];
  readonly claims: Readonly<Record<PhaseName | 'warmUp', Claims[]>>;
  /** The keys of the contested phases. */
  readonly contestedKeys: ContestedKey[];
  /** When its last command had ended, on the clock of `performance.now()`. */
  endedMs: number;
  audit: Cell['audit'];
  asked: Asked | null;
}

export interface MeasureOptions {
  readonly stack: Stack;
  readonly scenario: RegisteredScenario;
  readonly settings: Settings;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const answerGraceMs = 5_000; // beyond the longest wait of a command; then the client gives up
const leaseGraceMs = 1_000; // a lock node may have been told of a lease after the answer
const heatUp: WarmUp = { rounds: 40, limitMs: 1_500 };
export const warmUpRounds = 2;

interface WarmUp {
  readonly rounds: number;
  readonly limitMs: number;
}

/** Measures one scenario: owns the client, and the connection that seeds the keys. */
export class Measurement {
  readonly #options: MeasureOptions;
  readonly #client: Client;
  readonly #seeds: PostgresStore;
  /** The metrics after the previous phase, if nothing has been sent since. */
  #before: Page | undefined;

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#client = new Client(options.stack.processUrls.length);
    this.#seeds = new PostgresStore({
      url: options.stack.databaseUrl,
      connectionsMax: 1,
      connectTimeoutMs: 10_000, // the service is starting beside it
      lockTimeoutMs: 10_000,
      applicationName: 'lockstep load',
    });
  }

  /** Fills `logs`; they keep what was measured even if this throws. */
  async run(logs: readonly CellLog[]): Promise<void> {
    const { settings, progress } = this.#options;
    const [first] = logs;
    if (!first) return;
    await this.#warmUp(first, 'heat up', heatUp); // so that every process runs its code once
    const lastMs = performance.now() + budgetMs(isMainJob(settings), logs.length);
    const asked = { mainJob: isMainJob(settings), rounds: settings.roundsAsked };
    let left = logs.length * settings.repetitions;
    for (let repetition = 1; repetition <= settings.repetitions; repetition += 1)
      for (const log of orderOf(logs, settings.seed, repetition)) {
        progress.step(`${titleOf(log.cell)}, repetition ${repetition} of ${settings.repetitions}`);
        const limits = limitsOf(lastMs - performance.now(), left, asked);
        await this.#repetition(log, repetition, limits);
        left -= 1;
      }
    await this.#judge(logs);
    for (const log of logs) await this.#askAgain(log);
  }

  async close(): Promise<void> {
    this.#client.close();
    await this.#seeds.close();
  }

  async #repetition(log: CellLog, repetition: number, limits: PhaseLimits): Promise<void> {
    const purpose = `${titleOf(log.cell)} ${repetition}`;
    const { settings } = this.#options;
    const { cell } = log;
    // a matrix is for verdicts, so its first keys may be slow
    if (isMainJob(settings))
      await this.#warmUp(log, `warm-up ${purpose}`, {
        rounds: warmUpRounds,
        limitMs: limits.contestedMs,
      });
    const run: Readonly<Record<PhaseName, () => Promise<PhaseLog>>> = {
      contested: () =>
        contested({
          ...this.#phaseOptions(cell, `contested ${purpose}`, limits.contestedMs, limits),
          rounds: settings.rounds,
          rivals: settings.rivals,
          doubleTapShare: settings.doubleTapShare,
          testedAtLeast: Math.ceil(keysMin / settings.repetitions) + 1,
        }),
      alone: () =>
        single({
          ...this.#phaseOptions(cell, `alone ${purpose}`, limits.aloneMs, limits),
          keys: settings.aloneKeys,
          inFlight: 1,
        }),
      busy: () =>
        single({
          ...this.#phaseOptions(cell, `busy ${purpose}`, limits.busyMs, limits),
          keys: settings.busyKeys,
          inFlight: settings.inFlight,
        }),
    };
    const seen = {
      contested: await this.#phase(cell, run.contested),
      alone: await this.#phase(cell, run.alone),
      busy: await this.#phase(cell, run.busy),
    };
    log.repetitions.push({
      contested: seen.contested.phase,
      alone: seen.alone.phase,
      busy: seen.busy.phase,
    });
    for (const name of phaseNames) log.claims[name].push(seen[name].claims);
    log.contestedKeys.push(...seen.contested.used);
    log.endedMs = performance.now();
  }

  async #phase(
    cell: PlannedCell,
    run: () => Promise<PhaseLog>,
  ): Promise<{
    readonly phase: Phase;
    readonly claims: Claims;
    readonly used: PhaseLog['used'];
  }> {
    const { scenario } = this.#options;
    const labels = { scenario: scenario.name, strategy: cell.participant.strategy.name };
    const before = this.#before ?? (await this.#page());
    const { claims, rounds, used, ...seen } = await run();
    this.#before = await this.#page();
    const service = deltaOf(before, this.#before, labels);
    return { phase: { ...seen, rounds: [...rounds], service }, claims, used };
  }

  #page(): Promise<Page> {
    const { stack, signal } = this.#options;
    return scrape(stack.processUrls[0] ?? '', signal);
  }

  /** Judged like everything else: only its cost is left out. */
  async #warmUp(log: CellLog, purpose: string, { rounds, limitMs }: WarmUp): Promise<void> {
    const { rivals, doubleTapShare } = this.#options.settings;
    const options = this.#phaseOptions(log.cell, purpose, limitMs);
    const { phase, claims } = await this.#phase(log.cell, () =>
      contested({ ...options, rounds, rivals, doubleTapShare, testedAtLeast: 1 }),
    );
    log.warmUp.push(phase);
    log.claims.warmUp.push(claims);
  }

  #phaseOptions(
    cell: PlannedCell,
    purpose: string,
    limitMs: number,
    { patienceMs }: Pick<PhaseLimits, 'patienceMs'> = { patienceMs: limitMs },
  ) {
    const { scenario, settings } = this.#options;
    const { load = scenario.registered.load } = scenario.registered.variants[cell.variant] ?? {};
    return {
      client: this.#client,
      to: this.#to(cell),
      load,
      exhaustedReasons: scenario.registered.exhaustedReasons,
      query: this.#seeds.query,
      random: randomOf(settings.seed, purpose),
      limitMs,
      patienceMs,
    };
  }

  #to({ variant, participant }: PlannedCell): ClientOptions {
    const { stack, settings, signal } = this.#options;
    return {
      processUrls: stack.processUrls,
      strategy: participant.strategy.name,
      variant,
      timeoutMs: settings.waitMs + answerGraceMs,
      signal,
    };
  }

  /** A lock that was never given back harms nobody whom the load still sees: ask once more. */
  async #askAgain(log: CellLog): Promise<void> {
    const { settings, progress } = this.#options;
    const title = titleOf(log.cell);
    log.asked = await askAgain({
      client: this.#client,
      to: this.#to(log.cell),
      keys: log.contestedKeys,
      random: randomOf(settings.seed, `asked ${title}`),
      leasesPassedMs: log.endedMs + settings.leaseMs + leaseGraceMs,
    });
    const { keys, asked, stuck } = log.asked;
    if (asked < keys)
      progress.note(`${title}: ${asked} of ${keys} contested keys were asked again`);
    if (stuck.length > 0) progress.note(`${title}: ${stuck.length} of ${asked} keys are stuck`);
  }

  /** Audits all cells once every transaction has ended: a late COMMIT must not escape the judge. */
  async #judge(logs: readonly CellLog[]): Promise<void> {
    const { stack, scenario, signal, progress } = this.#options;
    const judge = await Judge.open(stack.databaseUrl, scenario.auditSql);
    try {
      progress.step(`audit of ${scenario.name}`);
      const settled = await judge.settled(signal);
      for (const log of logs) {
        signal.throwIfAborted();
        log.audit = {
          warmUp: await judge.audit(joined(log.claims.warmUp), settled),
          contested: await judge.audit(joined(log.claims.contested), settled),
          alone: await judge.audit(joined(log.claims.alone), settled),
          busy: await judge.audit(joined(log.claims.busy), settled),
        };
      }
    } finally {
      await judge.close();
    }
  }
}

function titleOf({ scenario, variant, participant }: PlannedCell): string {
  return `${scenario.name}/${variant} ${participant.strategy.name}`;
}

function joined(claims: readonly Claims[]): Claims {
  return {
    keys: claims.flatMap(one => one.keys),
    acknowledged: claims.flatMap(one => one.acknowledged),
    denied: claims.flatMap(one => one.denied),
    refusedKeys: claims.flatMap(one => one.refusedKeys),
  };
}
