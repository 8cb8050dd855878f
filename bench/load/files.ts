/** Results of `load` on disk: `<folder>/plan.json`, `<folder>/cells/<id>.json`, and the report. */
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { folderName } from '../lab/files.ts';
import { readResultFile } from '../lab/result-file.ts';
import {
  type BenchPlan,
  benchPlan,
  type CellResult,
  cellFile,
  cellResult,
  planFile,
} from './schema.ts';

/** Creates the folder of a new run and writes its plan. */
export async function newRunFolder(out: string, plan: BenchPlan): Promise<string> {
  const commit = plan.conditions?.commit ?? 'remote';
  const name = folderName({
    startedAt: plan.startedAt,
    conditions: { commit },
  });
  const folder = join(out, `bench-${name}`);
  await mkdir(join(folder, 'cells'), { recursive: true });
  await writeFile(join(folder, 'plan.json'), `${JSON.stringify(benchPlan.parse(plan), null, 1)}\n`);
  return folder;
}

/** Writes to a new file, then renames it: a cell is stored completely or not at all. */
export async function writeCell(folder: string, cell: CellResult): Promise<void> {
  const path = join(folder, 'cells', `${cell.id}.json`);
  await writeFile(`${path}.new`, `${JSON.stringify(cellResult.parse(cell))}\n`);
  await rename(`${path}.new`, path);
}

/** A run, possibly unfinished. */
export interface BenchRun {
  readonly plan: BenchPlan;
  readonly cells: readonly CellResult[];
}

/** Reads plan and cells. Throws `UnreadableRun` for files of another format or version. */
export async function readBench(folder: string): Promise<BenchRun> {
  const plan = await readResultFile(planFile, join(folder, 'plan.json'));
  const names = await readdir(join(folder, 'cells')).catch(() => []);
  const files = names.filter(name => name.endsWith('.json')).sort();
  const cells = await Promise.all(
    files.map(name => readResultFile(cellFile, join(folder, 'cells', name))),
  );
  return { plan, cells };
}
