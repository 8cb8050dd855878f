/** The generated documents: the matrices of the committed runs, and the tests of each case. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { committedEvidence } from '../advise/read.ts';
import { matrixText, readMatrix } from '../compare/matrix.ts';
import { committedText, faultsPage, withFaults } from '../faults/committed.ts';
import { readFaults } from '../faults/files.ts';
import { type FaultsRun, faultsFile, faultsFormat } from '../faults/schema.ts';
import { formatOf, parseResult, readResultFile, textOfResult } from '../lab/result-file.ts';
import { type TestFile, withTests } from './cases.ts';
import { matrixPage, withMatrix } from './readme.ts';
import { strategyPages } from './strategies.ts';
import {
  explorationSchema,
  noRecords,
  recordsFile,
  recordsText,
  type StrategyRecords,
  withCounterexamples,
  withSent,
} from './strategy-records.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const source = 'runs/matrix.json';
const faultsSource = 'runs/faults.json';
const recordsSource = join(root, 'docs', 'runs', 'strategies.json');

/** The expected contents of the generated documents, by path. */
export async function generatedDocuments(): Promise<Readonly<Record<string, string>>> {
  const matrix = await readMatrix(join(root, 'docs', source));
  const faults = await readFaults(join(root, 'docs', faultsSource));
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const cases = await readFile(join(root, 'docs', 'cases.md'), 'utf8');
  return {
    'docs/cases.md': withTests(cases, await testFiles()),
    'README.md': withFaults(withMatrix(readme, matrix), faults),
    'docs/matrix.md': matrixPage(matrix, source),
    'docs/faults-run.md': faultsPage(faults, faultsSource),
    ...strategyPages({
      evidence: await committedEvidence(),
      records: await readResultFile(recordsFile, recordsSource),
    }),
  };
}

async function testFiles(): Promise<readonly TestFile[]> {
  const below = await readdir(join(root, 'test'), { recursive: true });
  const paths = below.filter(path => path.endsWith('.ts')).map(path => join('test', path));
  return Promise.all(
    paths.toSorted().map(async path => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
}

/** Replaces the committed matrix by that of another run. Throws if that run is not complete. */
async function keepMatrix(path: string): Promise<void> {
  const matrix = await readMatrix(path);
  if (matrix.end !== 'complete')
    throw new Error(`${path} is not of a complete run (${matrix.end})`);
  await writeFile(join(root, 'docs', source), matrixText(matrix));
}

/** Replaces the committed run of faults by another. Throws if that run is not complete. */
async function keepFaults(path: string): Promise<void> {
  const run = await readFaults(path);
  if (run.end !== 'complete') throw new Error(`${path} is not of a complete run (${run.end})`);
  await writeFile(join(root, 'docs', faultsSource), committedText(run));
}

/** Writes the generated documents; given a run's `matrix.json` or `faults.json`, adopts that run first. */
export async function writeDocuments(path?: string): Promise<void> {
  if (path !== undefined) {
    const keep = formatOf(await textOfResult(path)) === faultsFormat ? keepFaults : keepMatrix;
    await keep(path);
  }
  for (const [document, text] of Object.entries(await generatedDocuments())) {
    await mkdir(dirname(join(root, document)), { recursive: true });
    await writeFile(join(root, document), text);
  }
}

/**
 * Takes what raw runs of `faults` and output of `explore-strategies --json` show of single strategies. The
 * faults themselves go beside the committed run, as what further strategies and scenarios add to it.
 * Throws `UnreadableRun` for anything else.
 */
export async function keepRecords(paths: readonly string[]): Promise<void> {
  let records: StrategyRecords = await readResultFile(recordsFile, recordsSource).catch(
    () => noRecords,
  );
  for (const path of paths) {
    const text = await textOfResult(path);
    const exploration = explorationSchema.safeParse(jsonIn(text));
    if (exploration.success) {
      records = withCounterexamples(records, exploration.data);
      continue;
    }
    const run = parseResult(faultsFile, text, path);
    records = withSent(records, run);
    await writeFile(join(root, 'docs', 'runs', furtherFaults(run)), committedText(run));
  }
  await writeFile(recordsSource, recordsText(records));
}

const furtherFaults = ({ scenario }: FaultsRun): string => `faults-${scenario}.json`;

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
