/** `npm run dev:rollout`: explores changes from one strategy to another. */
import type { Command } from 'commander';
import { loadRegistry, type Registry } from '../../src/engine/registry.ts';
import type { Exploration } from '../../src/explore/explore.ts';
import { areSafeSideBySide } from '../../src/rollout/side-by-side.ts';
import { openServices } from '../../src/services/index.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { number } from '../lab/option-values.ts';
import { namedIn } from '../rollout/change-subject.ts';
import {
  type Change,
  type ChangeOptions,
  type Course,
  changes,
  control,
  courses,
  exploreChange,
  unexplained,
} from '../rollout/explored-changes.ts';
import type { CliCommand } from './command.ts';

const table = {
  seconds: option<number>({
    flags: '--seconds <n>',
    text: 'limit for each exploration',
    read: number(1, 86_400),
    fallback: 600,
  }),
};

function form(): Command {
  return commandOf(
    'dev-rollout',
    'Explores changes of strategy with callers in between, and the usual way, a flag that is read per request,\n' +
      'as a control. Prints a table for docs/rollout.md.',
    table,
  );
}

export const command: CliCommand = {
  form,
  async run({ argv, signal, write, note }) {
    const { seconds: secondsMax } = readTable(form(), table, argv);
    const registry = await loadRegistry([]);
    const services = await openServices({
      ...{ redisNodeCount: 3, durable: false, report: note, signal },
    });
    try {
      const redisNodeUrls = services.redisNodes.map(({ url }) => url);
      const servers = { pgUrl: services.postgres.url, redisUrl: services.redis.url, redisNodeUrls };
      const options = { servers, secondsMax, signal };
      write('| change | beside the mover | events, switches | orders | left | verdict |\n');
      write('|---|---|---|--:|--:|---|\n');
      let worst: number = exitCodes.asClaimed;
      for (const change of changes)
        for (const course of [...courses, ...controlsOf(registry, change)]) {
          const { row, code } = await explored(registry, change, course, options);
          write(row);
          worst = code === exitCodes.asClaimed ? worst : code;
        }
      return worst;
    } finally {
      await services.close();
    }
  },
};

/** Two that take the same lock exclude each other without a proof: there the flag is no control. */
function controlsOf(registry: Registry, change: Change): readonly Course[] {
  const [from, to] = change.map(name => namedIn(registry, name));
  return from && to && areSafeSideBySide(from, to) ? [] : [control];
}

async function explored(
  registry: Registry,
  change: Change,
  course: Course,
  options: ChangeOptions,
): Promise<{ readonly row: string; readonly code: number }> {
  const found = await exploreChange(registry, change, course, options);
  const { naive, back, callers, events, preemptions } = course;
  const [verdict, code] = verdictOf(registry, change, course, found);
  const beside = [
    `${callers.length} callers`,
    ...(back ? ['which goes back too'] : []),
    ...(naive ? ['by a flag alone'] : []),
  ];
  const switches = `at most ${preemptions}`;
  const cells = [
    change.join(' → '),
    beside.join(', '),
    events.length > 0 ? `one of ${events.join(', ')}; ${switches}` : switches,
    found.orders,
    found.exhausted ? 'none' : naive ? '-' : `${Math.round((1 - found.covered) * 100)} %`,
    verdict,
  ];
  return { row: `| ${cells.join(' | ')} |\n`, code };
}

function verdictOf(
  registry: Registry,
  change: Change,
  { naive }: Course,
  found: Exploration,
): readonly [verdict: string, code: number] {
  const { outcome, why, violating, exhausted } = found;
  const open = outcome === 'budget-stopped';
  if (naive) return [outcome, outcome === 'unsafe' ? exitCodes.asClaimed : exitCodes.inconclusive];
  if (outcome === 'safe') return ['safe', exitCodes.asClaimed];
  if (outcome !== 'unsafe' && !open) return [`${outcome}: ${why}`, exitCodes.inconclusive];
  const broken = unexplained(registry, change, found);
  if (broken.length > 0) return [`**unsafe**: ${broken.join(', ')}`, exitCodes.claimBroken];
  const like =
    violating > 0 ? `as its ends: ${violating} violate where a lease is lost` : 'safe so far';
  return [like, open || !exhausted ? exitCodes.inconclusive : exitCodes.asClaimed];
}
