import { pathToFileURL } from 'node:url';
import type { Race } from './race.ts';

interface Loaded {
  readonly default?: Race;
}

/** The default export of a config. Throws when the file cannot be loaded or has no default export. */
export async function loadConfig(file: string): Promise<Race> {
  const { default: config } = await load(file);
  if (typeof config !== 'object' || config === null) {
    throw new Error(`${file} has no default export with setup and actors`);
  }
  return config;
}

/** A config in TypeScript needs a loader where the command runs compiled. */
async function load(file: string): Promise<Loaded> {
  const { href } = pathToFileURL(file);
  try {
    return await import(href);
  } catch (error) {
    if (!isUnknownExtension(error)) throw error;
    const { tsImport } = await import('tsx/esm/api');
    return withoutInterop(await tsImport(href, import.meta.url));
  }
}

/** Without `"type": "module"` a file loads as CommonJS: its exports are nested once more. */
function withoutInterop(loaded: { readonly default?: Race | Loaded }): Loaded {
  const { default: exported } = loaded;
  if (typeof exported !== 'object' || exported === null) return {};
  return isWrapped(exported) ? exported : { default: exported };
}

function isWrapped(exported: Race | Loaded): exported is Loaded {
  return 'default' in exported;
}

function isUnknownExtension(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION';
}
