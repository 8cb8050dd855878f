/** How to start a program in this folder: TypeScript through a loader, or compiled. */
import { createRequire } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Program {
  readonly file: string;
  /** Arguments for node, before the file. */
  readonly execArgv: readonly string[];
}

/** `name`: without extension. */
export function ownProgram(name: string): Program {
  const extension = extname(import.meta.url);
  const file = fileURLToPath(new URL(`./${name}${extension}`, import.meta.url));
  if (extension !== '.ts') return { file, execArgv: [] };
  const loader = createRequire(import.meta.url).resolve('tsx');
  return { file, execArgv: ['--import', pathToFileURL(loader).href] };
}
