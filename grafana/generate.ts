/** `npm run dev:grafana`: writes every file that is generated from the metrics table. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { artefacts } from './artefacts.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

for (const [path, text] of artefacts()) {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}
