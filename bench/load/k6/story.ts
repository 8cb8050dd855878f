/** What users do in one scenario, read from the scenario's own folder. */
import type { Contention, ScenarioCalls } from '../../../src/scenarios/calls.ts';
import { idsIn } from './ids.ts';
import { type Command, makeAll } from './service.ts';
import type { Settings } from './settings.ts';

/** One key with what is needed to send commands to it. */
export interface MadeKey {
  /** The id by which the audit knows it. */
  readonly key: string;
  /** Whatever else has an id, in the order of the actors. */
  readonly ids: readonly string[];
  /** `plain`, or one of the scenario's `rounds`. */
  readonly kind: string;
}

/** What the keys are made for. */
export interface KeysPlan {
  readonly keys: number;
  /** Different callers on each key. */
  readonly actors: number;
}

/** What users do in one scenario, by the public routes alone. */
export interface Story {
  readonly scenario: string;
  /** Reasons of a refusal that mean that nothing is left: claims that the audit checks. */
  readonly exhaustedReasons: readonly string[];
  make(settings: Settings, plan: KeysPlan): readonly MadeKey[];
  /** What one actor, from 0, sends. */
  command(key: MadeKey, actor: number, actors: number): Command;
}

/** k6's own, which compiles what it loads; it takes computed paths, which `import` does not. */
declare const require: (path: string) => { readonly calls: ScenarioCalls };

/** Reads `src/scenarios/<name>/calls.ts`. Throws where no scenario has this name. */
export function storyOf(scenario: string | undefined): Story {
  if (!scenario)
    throw new Error('SCENARIO is not set; write -e SCENARIO=appointment, or another scenario');
  if (!/^[a-z0-9-]+$/.test(scenario))
    throw new Error(`SCENARIO is '${scenario}'; write the name of a folder of src/scenarios`);
  const { calls } = require(`../../../src/scenarios/${scenario}/calls.ts`);
  return {
    scenario,
    exhaustedReasons: calls.exhaustedReasons,
    make: (settings, plan) => madeKeys(calls, settings, plan),
    command: ({ key: id, ids, kind }, actor, actors) =>
      calls.call({ id, ids }, actor, contended(kind, actors)),
  };
}

/** The double taps of a load are among the commands that a key gets. */
const contended = (kind: string, actors: number): Contention => ({
  kind,
  rivals: actors,
  calls: actors,
});

function madeKeys(
  calls: ScenarioCalls,
  settings: Settings,
  { keys, actors }: KeysPlan,
): readonly MadeKey[] {
  const kinds = Array.from({ length: keys }, (_, index) => calls.kindOf(index, actors));
  const requests = kinds.map((kind, index) => calls.makeKey(index, contended(kind, actors)));
  const answers = makeAll(settings, requests);
  const names = answers.map(answer => String(answer.id));
  const ofRivals = idsOfRivals(calls, settings, { names, actors });
  return answers.map((answer, index) => ({
    key: String(answer.id),
    ids: calls.listed === undefined ? (ofRivals[index] ?? []) : idsIn(answer[calls.listed]),
    kind: kinds[index] ?? 'plain',
  }));
}

/** Of each key the ids of what its rivals need, in their order; nothing where they need nothing. */
function idsOfRivals(
  calls: ScenarioCalls,
  settings: Settings,
  { names, actors }: { readonly names: readonly string[]; readonly actors: number },
): readonly (readonly string[])[] {
  const { makeForRival } = calls;
  if (!makeForRival) return [];
  const requests = names.flatMap(key =>
    Array.from({ length: actors }, (_, actor) => makeForRival(key, actor)),
  );
  const made = makeAll(settings, requests).map(one => String(one.id));
  return names.map((_, index) => made.slice(index * actors, (index + 1) * actors));
}
