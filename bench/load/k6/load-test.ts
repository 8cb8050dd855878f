/** Makes a k6 test of what users do in one scenario. */
import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { askAgain, sampled } from './ask-again.ts';
import { Caller } from './caller.ts';
import { counters, countFromZero } from './measures.ts';
import {
  isAsPlanned,
  type Phases,
  phaseNames,
  phasesOf,
  thresholdsOf,
  warmUpCommandsPerKey,
} from './phases.ts';
import { audit, checkAudit, checkService, type Served, settled, stop } from './service.ts';
import { readSettings, type Settings } from './settings.ts';
import type { MadeKey, Story } from './story.ts';
import { type SummaryData, summarized, summaryText } from './summary.ts';
import { type Targets, targetsOf } from './targets.ts';
import { type Arrivals, arrivalsOf, burstEveryMs } from './workloads.ts';

/** What setup hands to the virtual users. */
interface Prepared {
  readonly served: Served;
  readonly warmUp: readonly MadeKey[];
  readonly load: readonly MadeKey[];
  readonly bystanders: readonly MadeKey[];
}

/** What k6 wants of a script. */
export interface LoadTest {
  readonly options: Options;
  readonly setup: () => Prepared;
  readonly run: (prepared: Prepared) => void;
  readonly teardown: (prepared: Prepared) => void;
  readonly handleSummary: (data: SummaryData) => Record<string, string>;
}

const keysPerAudit = 2_000;
const setupMaxSeconds = 120;
const teardownMaxSeconds = 300; // keys that are stuck answer after the longest wait, and wait for leases
const commandsAtOnce = 50;

/** Reads the settings, and throws where they are wrong: then k6 runs nothing. */
export function loadTest(story: Story): LoadTest {
  const settings = readSettings(__ENV);
  const arrivals = arrivalsOf(settings);
  const phases = phasesOf(settings, arrivals);
  const test: Test = { story, settings, arrivals, phases };
  const targets = sharedTargets(settings, arrivals);
  const caller = new Caller(settings, story);
  return {
    options: optionsOf(test),
    setup: () => prepared(test, targets.keys),
    run: given => run(test, targets, { caller, given }),
    teardown(given) {
      const endedMs = Date.now();
      auditRows(test, given);
      askContested(test, targets, given, endedMs);
    },
    handleSummary(data) {
      const summary = summarized(data, test);
      const file = settings.summaryFile;
      return {
        stdout: summaryText(summary),
        ...(file !== undefined && { [file]: `${JSON.stringify(summary, null, 2)}\n` }),
      };
    },
  };
}

interface Test {
  readonly story: Story;
  readonly settings: Settings;
  readonly arrivals: Arrivals;
  readonly phases: Phases;
}

function optionsOf({ story, settings, arrivals, phases }: Test): Options {
  return {
    scenarios: phases.scenarios,
    thresholds: thresholdsOf(settings, { arrivals, phases }),
    summaryTrendStats: ['count', 'avg', 'min', 'p(50)', 'p(95)', 'p(99)', 'p(99.9)', 'max'],
    systemTags: ['status', 'method', 'name', 'scenario', 'error_code'],
    tags: {
      run: settings.run,
      strategy: settings.strategy ?? 'of the service',
      lockstep_scenario: story.scenario,
      workload: settings.workload,
    },
    setupTimeout: `${setupMaxSeconds}s`,
    teardownTimeout: `${teardownMaxSeconds}s`,
    batch: commandsAtOnce,
    batchPerHost: commandsAtOnce,
  };
}

function prepared({ story, settings, arrivals, phases }: Test, loadKeys: number): Prepared {
  if (!isAsPlanned(phases.scenarios, exec.test.options.scenarios ?? {}))
    stop(
      'k6 was told how to run by a flag (--vus, --iterations, --duration, --stages, --scenario, --once); use -e VUS=…, -e ITERATIONS=…, -e DURATION_SECONDS=…',
    );
  const served = checkService(settings, story.scenario);
  if (settings.adminToken !== undefined) checkAudit(settings, story.scenario);
  countFromZero();
  const { warmUpSeconds, bystandersPerSecond } = settings;
  const make = (keys: number, actors: number): readonly MadeKey[] =>
    keys > 0 ? story.make(settings, { keys, actors }) : [];
  const warmUpKeys = Math.ceil(phases.warmUpCommands / warmUpCommandsPerKey);
  return {
    served,
    warmUp: make(warmUpSeconds > 0 ? warmUpKeys : 0, warmUpCommandsPerKey),
    load: make(loadKeys, arrivals.commandsPerKey),
    bystanders: make(bystandersPerSecond > 0 ? 2 * phases.bystanderCommands : 0, 1),
  };
}

/** One iteration of one virtual user. */
function run(
  test: Test,
  targets: Targets,
  { caller, given }: { readonly caller: Caller; readonly given: Prepared },
): void {
  const { settings, arrivals, phases } = test;
  const { name, iterationInTest: n } = exec.scenario;
  const { warmUp, quiet, load, beside } = phaseNames;
  if (name === warmUp) {
    const key = given.warmUp[Math.floor(n / warmUpCommandsPerKey)];
    const actor = n % warmUpCommandsPerKey;
    if (key) caller.rehearse(given.served, key, actor, warmUpCommandsPerKey);
  } else if (name === quiet || name === beside) {
    const key = given.bystanders[n + (name === beside ? phases.bystanderCommands : 0)];
    if (key) caller.standBy(given.served, key, name === beside);
  } else if (name !== load || isLastOfCaller(arrivals, settings)) {
    if (name === load) waitForRivals(settings);
    caller.audit();
  } else {
    const key = given.load[targets.keyOf[n] ?? -1];
    if (!key) return; // more than was planned: the rate of a ramp is rounded
    if (arrivals.model === 'burst') waitForBurst(targets.keyOf[n] ?? 0);
    caller.command(given.served, key, targets.placeOf[n] ?? 0, arrivals.commandsPerKey);
  }
}

function isLastOfCaller({ model }: Arrivals, { iterations }: Settings): boolean {
  return model !== 'open' && exec.vu.iterationInScenario === iterations;
}

/** In the closed model the others may still be sending, and what they do decides about a refusal. Where they go on for too long, the run is not audited. */
function waitForRivals({ iterations }: Settings): void {
  const lastMs = Date.now() + rivalsMaxSeconds * 1_000;
  // each caller has one iteration more, for the audit
  const share = iterations / (iterations + 1) - 1e-9;
  while (exec.scenario.progress < share) {
    if (Date.now() >= lastMs) {
      counters.unsettled_audits.add(1);
      return;
    }
    sleep(0.05);
  }
}

const rivalsMaxSeconds = 60;

/** Has the rows of all keys judged, once everything has ended. */
function auditRows({ settings, story }: Test, { warmUp, load, bystanders }: Prepared): void {
  if (settings.adminToken === undefined) return;
  if (!settled(settings, story.scenario)) counters.unsettled_audits.add(1);
  const all = [...warmUp, ...load, ...bystanders].map(({ key }) => key);
  for (let at = 0; at < all.length; at += keysPerAudit) {
    const keys = all.slice(at, at + keysPerAudit);
    const nobody = { acknowledged: [], denied: [], refusedKeys: [] };
    const { excess, keys: violated } = audit(settings, story.scenario, { keys, ...nobody });
    counters.keys_audited.add(keys.length);
    counters.keys_violated.add(violated);
    counters.duplicates.add(excess.duplicate ?? 0);
    counters.lost_updates.add(excess['lost update'] ?? 0);
    counters.inconsistencies.add(excess.inconsistent ?? 0);
  }
}

/** Has one more command sent to the keys that several commands were meant for. */
function askContested(
  { settings, story, arrivals: { commandsPerKey } }: Test,
  { keyOf }: Targets,
  { served, load }: Prepared,
  endedMs: number,
): void {
  const planned = new Map<number, number>();
  for (const at of keyOf) planned.set(at, (planned.get(at) ?? 0) + 1);
  const contested = [...planned].filter(([, commands]) => commands > 1);
  counters.keys_contested.add(contested.length);
  const commands = sampled(contested).flatMap(([at, count]) => {
    const key = load[at];
    const actor = at % Math.min(count, commandsPerKey);
    return key ? [story.command(key, actor, commandsPerKey)] : [];
  });
  askAgain(settings, served, commands, endedMs);
}

/** Waits for the moment of this burst. A caller that comes late sends at once. */
function waitForBurst(burst: number): void {
  const leftMs = exec.scenario.startTime + burst * burstEveryMs - Date.now();
  if (leftMs > 0) sleep(leftMs / 1_000);
}

/** Drawn once for all virtual users. */
function sharedTargets(
  { keys, spread, seed, workload }: Settings,
  { commands, commandsPerKey, model }: Arrivals,
): Targets {
  if (commands > commandsMax)
    stop(`${workload} plans ${commands} commands, and more than ${commandsMax} do not fit`);
  let drawn: Targets | undefined;
  const draw = (): Targets => {
    drawn ??= targetsOf({
      commands,
      commandsPerKey,
      keys,
      spread: model === 'burst' ? 'hot' : spread,
      seed,
    });
    return drawn;
  };
  const keyOf = new SharedArray('keys of commands', () => [...draw().keyOf]);
  const placeOf = new SharedArray('places of commands', () => [...draw().placeOf]);
  const [count = 0] = new SharedArray('number of keys', () => [draw().keys]);
  return { keys: count, keyOf, placeOf };
}

const commandsMax = 1_000_000;
