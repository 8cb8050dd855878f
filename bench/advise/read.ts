/** Reads what is known: the committed runs in `docs/runs/`, and the facts that strategies declare. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Strategy } from '../../src/contract/index.ts';
import { loadRegistry, type RegisteredStrategy, type Registry } from '../../src/engine/registry.ts';
import { areSafeSideBySide } from '../../src/rollout/side-by-side.ts';
import { type Matrix, readMatrix } from '../compare/matrix.ts';
import { markOf } from '../compare/matrix-marks.ts';
import { worstPhase } from '../faults/expected.ts';
import type { NamedFault } from '../faults/fault.ts';
import { readFaults } from '../faults/files.ts';
import { loadFaults } from '../faults/registry.ts';
import { markOf as markOfStrike } from '../faults/report-marks.ts';
import type { FaultsRun } from '../faults/schema.ts';
import { verdictOf } from '../faults/verdict.ts';
import { readResultFile } from '../lab/result-file.ts';
import type { Evidence, Facts, PlaceFacts, Source, StrategyFacts } from './evidence.ts';
import { costsFile } from './measured-costs.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const runsFolder = 'docs/runs';
export const costsSource = `${runsFolder}/costs.json`;

/** Everything that is committed. Throws `UnreadableRun` for a file that is not what its name says. */
export async function committedEvidence(): Promise<Evidence> {
  const registry = await loadRegistry();
  const known = { registry, faults: await loadFaults() };
  const names = (await readdir(join(root, runsFolder))).toSorted();
  const matrix = await readMatrix(join(root, runsFolder, 'matrix.json'));
  const faultFiles = names.filter(name => /^faults(-[a-z-]+)?\.json$/.test(name));
  const faults = await Promise.all(
    faultFiles.map(async name => ({ name, run: await readFaults(join(root, runsFolder, name)) })),
  );
  const costs = names.includes(basename(costsSource))
    ? await readResultFile(costsFile, join(root, costsSource))
    : null;
  return {
    sources: [
      sourceOf('matrix.json', matrix.commit, matrix),
      ...faults.map(({ name, run }) =>
        sourceOf(name, run.conditions.commit, { ...run, ...run.conditions }),
      ),
      ...(costs ? [sourceOf(basename(costsSource), costs.commit, costs)] : []),
    ],
    places: placesOf(registry),
    strategies: strategiesOf(registry),
    verdicts: verdictsOf(matrix),
    strikes: faults.flatMap(({ run }) => strikesOf(run, known)),
    costs,
  };
}

interface Started {
  readonly startedAt: string;
  readonly command: string;
  /** Whether files differed from the commit; tables made of runs do not tell. */
  readonly changed?: boolean | null;
}

export function sourceOf(
  name: string,
  commit: string,
  { startedAt, command, changed }: Started,
): Source {
  const code = `${commit.slice(0, 7)}${changed ? ', with changes' : ''}`;
  return { file: `${runsFolder}/${name}`, startedAt, commit: code, command };
}

function placesOf({ scenarios }: Registry): PlaceFacts[] {
  return [...scenarios.values()].flatMap(({ name, registered }) =>
    Object.entries(registered.variants).map(([variant, { title, effect }]) => ({
      place: `${name}/${variant}`,
      title,
      effect,
    })),
  );
}

/** In the order of their names. */
function strategiesOf({ strategies }: Registry): StrategyFacts[] {
  const all = [...strategies.values()].toSorted((a, b) => a.name.localeCompare(b.name));
  return all.map(one => factsOf(one, all));
}

function factsOf(one: RegisteredStrategy, all: readonly RegisteredStrategy[]): StrategyFacts {
  const { name, file, declared } = one;
  return {
    name,
    title: declared.title,
    file: relative(root, file)
      .split(sep)
      .join('/')
      .replace(/^dist\//, '')
      .replace(/\.js$/, '.ts'),
    cure: declared.hazard?.cure ?? null,
    facts: wordsOf(declared),
    beside: all
      .filter(other => other !== one && areSafeSideBySide(one, other))
      .map(other => other.name),
  };
}

/** Declared facts in the words of `Facts`. */
function wordsOf(declared: Strategy): Facts {
  const { adoption, hazard, wording, store } = declared;
  return {
    hazard: hazard?.why ?? 'none',
    migration: adoption.migration,
    dependency: adoption.newDependency ?? 'none',
    pooler: adoption.poolerSafe ? 'safe' : 'unsafe',
    retry: adoption.retryNeeded ? 'needed' : 'not needed',
    writers: adoption.everyWriterMustTakePart ? 'every writer must take part' : 'any',
    wording,
    rests: restsOn(declared),
    held: heldBy(declared),
    through: store === 'sequelize' ? 'Sequelize' : 'SQL',
  };
}

/** A lock, a version or a fence is on a row; so is the condition of an update. */
function restsOn({ guard, wording }: Strategy): string {
  if (wording === 'precreated rows') return 'rows of its own';
  const onRow = guard.some(
    one => one.startsWith('lock row') || one.startsWith('fence') || one === 'compare version',
  );
  return onRow || guard.includes('touch') || wording === 'conditional update'
    ? 'a row that is there before'
    : 'no row';
}

function heldBy({ turns, wording }: Strategy): string {
  const [turn] = turns;
  if (turn) return `the ${turn.heldBy}`;
  const single = wording !== 'steps' && wording !== 'precreated rows';
  return single ? 'one statement' : 'the transaction';
}

function verdictsOf({ cells }: Matrix): Evidence['verdicts'] {
  return cells.map(cell => ({
    place: cell.place,
    strategy: cell.strategy,
    mark: markOf(cell),
    because: cell.because,
  }));
}

/** What is needed to tell a strategy that a fault does not concern from one that it was not tried on. */
interface Known {
  readonly registry: Registry;
  readonly faults: ReadonlyMap<string, NamedFault>;
}

/**
 * Whether a cell says something: not where this machine lacked something, where the scenario has no such
 * wording, or where the strategy has another phase in which it could have been struck.
 */
function isTold(run: FaultsRun, cell: FaultsRun['cells'][number], known: Known): boolean {
  if (cell.state === 'skipped' || cell.claimed.verdict === 'not offered') return false;
  if (cell.state !== 'not offered') return true;
  const fault = known.faults.get(cell.fault);
  const strategy = known.registry.strategies.get(cell.strategy);
  const variant = known.registry.scenarios.get(run.scenario)?.registered.variants[run.variant];
  return !!fault && !!strategy && !!variant && worstPhase(fault, strategy, variant) === undefined;
}

function strikesOf(run: FaultsRun, known: Known): Evidence['strikes'] {
  const place = `${run.scenario}/${run.variant}`;
  const titles = new Map(run.faults.map(({ name, title }) => [name, title]));
  return run.cells
    .filter(cell => isTold(run, cell, known))
    .map(cell => {
      const verdict = verdictOf(run, cell);
      return {
        ...{ fault: cell.fault, title: titles.get(cell.fault) ?? cell.fault, place },
        ...{ phase: cell.phase, strategy: cell.strategy },
        mark: markOfStrike(cell, verdict),
        because: verdict.because,
      };
    });
}
