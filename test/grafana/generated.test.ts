import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { artefacts } from '../../grafana/artefacts.ts';
import { root } from '../house/sources.ts';

describe('generated files', () => {
  test.each([...artefacts()])('%s is what `npm run dev:grafana` writes', (path, text) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(text);
  });
});
