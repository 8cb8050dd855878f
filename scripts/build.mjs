// Compiles the package: Node loads no TypeScript from node_modules. SQL lies beside the code that reads it.
// The first argument is where to, instead of dist: a folder of the project.
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, process.argv[2] ?? 'dist');
rmSync(dist, { recursive: true, force: true });

const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const compiled = spawnSync(
  process.execPath,
  [compiler, '-p', 'tsconfig.build.json', '--outDir', dist],
  {
    cwd: root,
    stdio: 'inherit',
  },
);
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

for (const folder of ['src', 'bench'])
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !/\.(sql|lua|css)$/.test(entry.name)) continue;
    const from = join(entry.parentPath, entry.name);
    cpSync(from, join(dist, from.slice(root.length)));
  }

// k6 compiles its scripts by itself; what they share with the rest goes along
const scripts = join('bench', 'load', 'k6');
cpSync(join(root, scripts), join(dist, scripts), { recursive: true });
for (const shared of [join('bench', 'lab', 'random.ts'), join('src', 'explore', 'mulberry32.ts')])
  cpSync(join(root, shared), join(dist, shared));
const scenarios = join('src', 'scenarios');
for (const entry of readdirSync(join(root, scenarios), { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const calls = join(scenarios, entry.name, 'calls.ts');
  cpSync(join(root, calls), join(dist, calls));
}
