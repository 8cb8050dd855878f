import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

export interface Source {
  /** From the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** Relative imports, as paths from the root; packages by their name. */
  readonly imports: readonly string[];
}

const folders = ['src', 'strategies', 'bench', 'test', 'examples', 'grafana', 'scripts'];

/** Every TypeScript file of ours. */
export function sources(): readonly Source[] {
  return folders.flatMap(folder => filesBelow(join(root, folder))).map(read);
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter(entry => entry.isFile() && /\.[cm]?ts$/.test(entry.name))
      .map(entry => join(entry.parentPath, entry.name))
      .filter(file => !file.includes(`${sep}node_modules${sep}`));
  } catch {
    return []; // a folder that does not exist yet
  }
}

function read(file: string): Source {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)[^'"`;]*?from '([^']+)'|(?:^|\n)import '([^']+)'|import\('([^']+)'\)/g,
  );
  const imports = [...found].map(match => {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    return specifier.startsWith('.') ? slashed(resolve(dirname(file), specifier)) : specifier;
  });
  return { path: slashed(file), text, imports };
}

const slashed = (file: string): string => relative(root, file).split(sep).join('/');
