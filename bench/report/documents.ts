/** The documents that are generated: the matrix of the committed run, and where each case is tested. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { matrixText, readMatrix } from '../compare/matrix.ts';
import { type TestFile, withTests } from './cases.ts';
import { matrixPage, withMatrix } from './readme.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const source = 'runs/matrix.json';

/** The generated documents as they should be, by their path. */
export async function generatedDocuments(): Promise<Readonly<Record<string, string>>> {
  const matrix = await readMatrix(join(root, 'docs', source));
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  const cases = await readFile(join(root, 'docs', 'cases.md'), 'utf8');
  return {
    'docs/cases.md': withTests(cases, await testFiles()),
    'README.md': withMatrix(readme, matrix),
    'docs/matrix.md': matrixPage(matrix, source),
  };
}

async function testFiles(): Promise<readonly TestFile[]> {
  const below = await readdir(join(root, 'test'), { recursive: true });
  const paths = below.filter(path => path.endsWith('.ts')).map(path => join('test', path));
  return Promise.all(
    paths.toSorted().map(async path => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
}

/** Makes the matrix of a run the committed one. Throws where the run did not end by itself. */
async function keepMatrix(path: string): Promise<void> {
  const matrix = await readMatrix(path);
  if (matrix.end !== 'complete') throw new Error(`${path} is of a run that was ${matrix.end}`);
  await writeFile(join(root, 'docs', source), matrixText(matrix));
}

/** Writes them; with the path of a run's `matrix.json`, commits to that one first. */
export async function writeDocuments(matrix?: string): Promise<void> {
  if (matrix !== undefined) await keepMatrix(matrix);
  for (const [document, text] of Object.entries(await generatedDocuments()))
    await writeFile(join(root, document), text);
}
