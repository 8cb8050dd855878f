import { access, readdir, readFile } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Registered, Strategy } from '../contract/index.ts';
import { errorMessage } from '../error-message.ts';
import { scenarioProblems, strategyProblems } from './validate.ts';

export interface RegisteredStrategy {
  readonly name: string;
  /** Source file, for messages. */
  readonly file: string;
  readonly declared: Strategy;
}

export interface RegisteredScenario {
  readonly name: string;
  readonly folder: string;
  readonly registered: Registered;
  readonly schemaSql: string;
  /** Later schema changes: `migrations/*.sql`, by name. */
  readonly migrations: readonly { readonly name: string; readonly sql: string }[];
  readonly auditSql: string;
  /** Pages through the ids of the audit's keys. */
  readonly auditKeysSql: string;
  /** Reads the ids of the commands that wrote the newest effects of the audit's keys. */
  readonly decidersSql: string;
}

export interface Registry {
  readonly strategies: ReadonlyMap<string, RegisteredStrategy>;
  readonly scenarios: ReadonlyMap<string, RegisteredScenario>;
}

export interface RegistryFolders {
  readonly strategies: string;
  readonly scenarios: string;
}

/** All problems of the strategies and scenarios, collected in one pass. */
export class RegistryError extends Error {
  override readonly name = 'RegistryError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.map(problem => `- ${problem}`).join('\n'));
    this.problems = problems;
  }
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** Where our own strategies and scenarios live. */
export const ownFolders: RegistryFolders = {
  strategies: join(root, 'strategies'),
  scenarios: join(root, 'src', 'scenarios'),
};

/**
 * Reads the folders, loads external strategies by path, and validates everything.
 * Throws `RegistryError` with all problems at once.
 */
export async function loadRegistry(
  outside: readonly string[] = [],
  folders: RegistryFolders = ownFolders,
): Promise<Registry> {
  const problems: string[] = [];
  const strategies = new Map<string, RegisteredStrategy>();
  const own = await strategyFiles(folders.strategies);
  for (const file of [...own, ...outside.map(path => resolve(path))]) {
    const found = await loadStrategy(file, problems);
    if (!found) continue;
    const twin = strategies.get(found.name);
    if (twin)
      problems.push(`${file}: the name '${found.name}' is taken by ${twin.file}; rename it`);
    else strategies.set(found.name, found);
  }
  const scenarios = new Map<string, RegisteredScenario>();
  for (const folder of await scenarioFolders(folders.scenarios)) {
    const found = await loadScenario(folder, problems);
    if (found) scenarios.set(found.name, found);
  }
  problems.push(...brokenCures(strategies));
  if (problems.length > 0) throw new RegistryError(problems);
  return { strategies, scenarios };
}

/** True if `--strategy` names a file rather than a built-in strategy. */
export function isStrategyPath(name: string): boolean {
  return (
    isAbsolute(name) ||
    name.startsWith('.') ||
    ['.ts', '.mts', '.js', '.mjs'].includes(extname(name))
  );
}

/** The strategy name derived from a file name. */
export function strategyNameOf(file: string): string {
  return basename(file).replace(/\.[cm]?[jt]s$/, '');
}

async function strategyFiles(folder: string): Promise<string[]> {
  const modules = async (path: string): Promise<string[]> =>
    (await readdir(path, { withFileTypes: true }))
      .filter(entry => entry.isFile() && /^[^.]+\.[jt]s$/.test(entry.name))
      .map(entry => join(path, entry.name))
      .sort();
  const hazards = join(folder, 'hazards');
  return [...(await modules(folder)), ...(await modules(hazards).catch(() => []))];
}

async function scenarioFolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(entry => entry.isDirectory())
    .map(entry => join(folder, entry.name))
    .sort();
}

async function loadStrategy(
  file: string,
  problems: string[],
): Promise<RegisteredStrategy | undefined> {
  const name = strategyNameOf(file);
  const declared = await importDefault(file, problems);
  if (declared === undefined) return undefined;
  const found = strategyProblems(name, declared);
  problems.push(...found.problems.map(problem => `${file}: ${problem}`));
  return found.strategy && { name, file, declared: found.strategy };
}

async function loadScenario(
  folder: string,
  problems: string[],
): Promise<RegisteredScenario | undefined> {
  const name = basename(folder);
  const index = await firstThatExists(folder, ['index.ts', 'index.js']);
  const schemaSql = await readText(join(folder, 'schema.sql'), problems);
  const auditSql = await readText(join(folder, 'audit.sql'), problems);
  const auditKeysSql = await readText(join(folder, 'audit-keys.sql'), problems);
  const decidersSql = await readText(join(folder, 'deciders.sql'), problems);
  const migrations = await readMigrations(folder);
  const registered = index && (await importDefault(join(folder, index), problems));
  if (!index) problems.push(`${folder}: has no index.ts with a default export`);
  if (registered === undefined || !schemaSql || !auditSql || !auditKeysSql || !decidersSql)
    return undefined;
  const found = scenarioProblems(registered);
  problems.push(...found.problems.map(problem => `${folder}: ${problem}`));
  const sqls = { schemaSql, migrations, auditSql, auditKeysSql, decidersSql };
  return found.scenario && { name, folder, registered: found.scenario, ...sqls };
}

async function readMigrations(folder: string): Promise<RegisteredScenario['migrations']> {
  const path = join(folder, 'migrations');
  const names = (await readdir(path).catch(() => [])).filter(name => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async name => ({
      name: `${basename(folder)}/migrations/${name}`,
      sql: await readFile(join(path, name), 'utf8'),
    })),
  );
}

async function importDefault(file: string, problems: string[]): Promise<unknown> {
  try {
    const module = await importModule(pathToFileURL(file).href);
    const exported = withoutInterop(module.default);
    if (exported === undefined)
      problems.push(`${file}: has no default export; write 'export default { ... }'`);
    return exported;
  } catch (error) {
    const why = errorMessage(error);
    const missing = !(await access(file)
      .then(() => true)
      .catch(() => false));
    problems.push(missing ? `${file}: no such file` : `${file}: cannot be loaded: ${why}`);
    return undefined;
  }
}

/**
 * Node 20 cannot load TypeScript by itself; when running from source, a loader is already active.
 */
async function importModule(url: string): Promise<{ default?: unknown }> {
  const compiled = import.meta.url.endsWith('.js');
  if (!compiled || !/\.[cm]?ts$/.test(url)) return import(url);
  const { tsImport } = await import('tsx/esm/api');
  return tsImport(url, import.meta.url);
}

/** Without a package.json that says `"type": "module"`, a file loads as CommonJS. */
function withoutInterop(exported: unknown): unknown {
  const wrapped = typeof exported === 'object' && exported !== null && '__esModule' in exported;
  return wrapped && 'default' in exported ? exported.default : wrapped ? undefined : exported;
}

async function firstThatExists(folder: string, names: string[]): Promise<string | undefined> {
  const entries = await readdir(folder);
  return names.find(name => entries.includes(name));
}

async function readText(path: string, problems: string[]): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    problems.push(`${path}: is missing`);
    return undefined;
  }
}

function brokenCures(strategies: ReadonlyMap<string, RegisteredStrategy>): string[] {
  return [...strategies.values()].flatMap(({ file, declared }) =>
    declared.hazard && !strategies.has(declared.hazard.cure)
      ? [`${file}: hazard.cure names '${declared.hazard.cure}', which does not exist`]
      : [],
  );
}
