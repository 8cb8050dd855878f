import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadRegistry, ownFolders, RegistryError } from '../../src/engine/registry.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-registry-'));
  await mkdir(join(folder, 'strategies', 'hazards'), { recursive: true });
  await mkdir(join(folder, 'scenarios'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const folders = () => ({
  strategies: join(folder, 'strategies'),
  scenarios: join(folder, 'scenarios'),
});
const strategy = (extra = '') => `export default {
  title: 'a title', store: 'pg', wording: 'steps', isolation: 'read committed',
  turns: [], first: [], guard: ['lock row'],
  adoption: { migration: 'none', everyWriterMustTakePart: true, poolerSafe: true, retryNeeded: false },
  ${extra} };`;

async function problemsOf(outside: readonly string[] = []): Promise<readonly string[]> {
  const error = await loadRegistry(outside, folders()).catch((thrown: unknown) => thrown);
  if (!(error instanceof RegistryError)) throw new Error('the registry was loaded');
  return error.problems;
}

describe('the registry', () => {
  test('our own strategies and scenarios have no problems', async () => {
    const registry = await loadRegistry();
    expect(registry.strategies.size).toBeGreaterThanOrEqual(8);
    expect(registry.scenarios.size).toBeGreaterThanOrEqual(1);
  });

  test('a strategy is one file: dropping it into the folder registers it', async () => {
    await writeFile(join(folder, 'strategies', 'my-lock.mts'), 'export default 1');
    await writeFile(join(folder, 'strategies', 'my-lock.ts'), strategy());
    const { strategies } = await loadRegistry([], folders());
    expect([...strategies.keys()]).toEqual(['my-lock']);
  });

  test('a scenario is one folder: copying it in registers it under the new name', async () => {
    const copy = join(folder, 'scenarios', 'massage');
    await cp(join(ownFolders.scenarios, 'appointment'), copy, { recursive: true });
    const text = `export { default } from '${join(ownFolders.scenarios, 'appointment', 'index.ts')}';`;
    await writeFile(join(copy, 'index.ts'), text);
    const { scenarios } = await loadRegistry([], folders());
    expect([...scenarios.keys()]).toEqual(['massage']);
  });

  test('what changes a schema later lies in its folder, and is read in the order of the names', async () => {
    const scenario = join(folder, 'scenarios', 'later');
    await cp(join(ownFolders.scenarios, 'appointment'), scenario, { recursive: true });
    const text = `export { default } from '${join(ownFolders.scenarios, 'appointment', 'index.ts')}';`;
    await writeFile(join(scenario, 'index.ts'), text);
    await mkdir(join(scenario, 'migrations'));
    for (const name of ['0002-b.sql', '0001-a.sql', 'notes.md'])
      await writeFile(join(scenario, 'migrations', name), `-- ${name}`);
    const { scenarios } = await loadRegistry([], folders());
    expect(scenarios.get('later')?.migrations).toEqual([
      { name: 'later/migrations/0001-a.sql', sql: '-- 0001-a.sql' },
      { name: 'later/migrations/0002-b.sql', sql: '-- 0002-b.sql' },
    ]);
    await rm(scenario, { recursive: true });
  });

  test('a strategy file from outside is loaded by its path, without a package.json beside it', async () => {
    const file = join(folder, 'their-lock.ts');
    await writeFile(file, `import type { Strategy } from 'lockstep';\n${strategy()}`);
    const { strategies } = await loadRegistry([file], folders());
    expect(strategies.get('their-lock')?.declared.guard).toEqual(['lock row']);
  });

  test('all problems of all files come at once, each naming the file and the part', async () => {
    await writeFile(join(folder, 'strategies', 'Bad_Name.ts'), strategy());
    await writeFile(join(folder, 'strategies', 'no-export.ts'), 'export const a = 1;');
    await writeFile(join(folder, 'strategies', 'no-turns.ts'), 'export default { title: "x" };');
    await writeFile(join(folder, 'strategies', 'typo.ts'), strategy("gaurd: ['touch']"));
    await mkdir(join(folder, 'scenarios', 'empty'));
    const problems = await problemsOf([join(folder, 'gone.ts')]);
    const has = (file: string, text: string) =>
      expect(problems.filter(line => line.includes(file) && line.includes(text))).not.toEqual([]);
    has('Bad_Name.ts', 'lower-case-with-dashes');
    has('no-export.ts', 'has no default export');
    has('no-turns.ts', 'turns: is missing; it must be an array');
    has('typo.ts', 'gaurd');
    has('empty', 'schema.sql: is missing');
    has('gone.ts', 'no such file');
  });

  test('facts that cannot be true together are refused', async () => {
    await writeFile(join(folder, 'strategies', 'fence.ts'), strategy("guard: ['fence read'],"));
    await writeFile(
      join(folder, 'strategies', 'first.ts'),
      strategy("first: [{ text: 'select true as granted' }],"),
    );
    await writeFile(
      join(folder, 'strategies', 'cure.ts'),
      strategy("hazard: { why: 'x', under: [], cure: 'nothing' },"),
    );
    const orm = strategy().replace("store: 'pg'", "store: 'sequelize'");
    await writeFile(
      join(folder, 'strategies', 'orm.ts'),
      orm.replace("'lock row'", "'lock row, nowait'"),
    );
    const problems = (await problemsOf()).join('\n');
    await rm(join(folder, 'strategies', 'orm.ts'));
    expect(problems).toContain("Sequelize cannot do 'lock row, nowait'");
    expect(problems).toContain("a fence needs a turn with heldBy 'lease'");
    expect(problems).toContain('gets the keys as $1');
    const cured = await rm(join(folder, 'strategies', 'fence.ts'))
      .then(() => rm(join(folder, 'strategies', 'first.ts')))
      .then(() => problemsOf());
    expect(cured.join('\n')).toContain("names 'nothing', which does not exist");
  });

  test('two files with one name are refused', async () => {
    await writeFile(join(folder, 'strategies', 'twin.ts'), strategy());
    await writeFile(join(folder, 'twin.ts'), strategy());
    expect((await problemsOf([join(folder, 'twin.ts')])).join()).toContain(
      "the name 'twin' is taken",
    );
  });
});
