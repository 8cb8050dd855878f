/** How a program beside this file is started: from the sources with their loader, or as compiled. */
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Program {
  readonly file: string;
  /** For node itself, before the file. */
  readonly execArgv: readonly string[];
}

/** `name` without its extension. */
export function ownProgram(name: string): Program {
  const extension = extname(import.meta.url);
  const file = fileURLToPath(new URL(`./${name}${extension}`, import.meta.url));
  if (extension !== '.ts') return { file, execArgv: [] };
  const loader = createRequire(import.meta.url).resolve('tsx');
  return { file, execArgv: ['--import', pathToFileURL(loader).href] };
}
