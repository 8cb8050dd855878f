/**
 * `npm run dev:serial`: every scenario under the control and under strategies that claim safety, each
 * order judged by our audit and by the serial orders.
 */
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { loadRegistry } from '../../src/engine/registry.ts';
import { openServices } from '../../src/services/index.ts';
import { type BesideAudit, besideAudit, besideSpecs } from '../explore/beside-audit.ts';
import { besideSummary, besideTable, disagreements } from '../explore/beside-audit-table.ts';
import { commandOf, option, readTable } from '../lab/command-line.ts';
import { exitCodes } from '../lab/exit-codes.ts';
import { nameList, whole } from '../lab/option-values.ts';
import { controlOf } from '../lab/plan.ts';
import type { CliCommand } from './command.ts';

const table = {
  strategies: option<readonly string[]>({
    flags: '--strategies <list>',
    text: 'only these (default: all that are offered)',
    read: text => nameList(text),
    fallback: [],
    silent: true,
  }),
  seconds: whole('--seconds <n>', 'limit for one cell', [1, 3_600], 60),
  out: option<string | undefined>({
    flags: '--out <file>',
    text: 'write the page to this file, as Markdown',
    fallback: undefined,
  }),
  timelines: option<string | undefined>({
    flags: '--timelines <file>',
    text: 'write an order of each disagreement to this file',
    fallback: undefined,
  }),
};

export const command: CliCommand = {
  form,
  async run({ argv, signal, note, write }) {
    const read = readTable(form(), table, argv);
    const registry = await loadRegistry();
    const control = controlOf(registry).name;
    const names = read.strategies.length > 0 ? read.strategies : [...registry.strategies.keys()];
    const specs = besideSpecs(registry, [control, ...names.filter(name => name !== control)]);
    const services = await openServices({
      redisNodeCount: 3,
      durable: false,
      report: note,
      signal,
    });
    const servers = {
      pgUrl: services.postgres.url,
      redisUrl: services.redis.url,
      redisNodeUrls: services.redisNodes.map(({ url }) => url),
    };
    const cells: BesideAudit[] = [];
    try {
      for (const spec of specs) {
        if (signal.aborted) break;
        const limits = { secondsMax: read.seconds, signal };
        const cell = await besideAudit(registry, spec, servers, limits);
        cells.push(cell);
        const { both, 'the audit alone': audit, 'serial orders alone': serial } = cell.beside;
        const said = `${both} both, ${audit} audit alone, ${serial} serial alone`;
        note(`${cell.scenario} ${cell.strategy}: ${said}, of ${cell.orders} ${cell.why}`);
      }
    } finally {
      await services.close();
    }
    const page = `${besideSummary(cells)}\n\n${besideTable(cells)}\n`;
    write(page);
    if (read.out !== undefined) await writeFile(read.out, page);
    if (read.timelines !== undefined) await writeFile(read.timelines, disagreements(cells));
    return signal.aborted ? exitCodes.interrupted : exitCodes.asClaimed;
  },
};

function form(): Command {
  return commandOf(
    'dev-serial',
    'Judges each order of our scenarios by the audit and by the serial orders.',
    table,
  );
}
