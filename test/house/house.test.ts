import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadRegistry } from '../../src/engine/registry.ts';
import { root, sources } from './sources.ts';

/** The house rules that a machine can hold. A broken rule names the file. */
const all = sources();
const below = (folder: string) => all.filter(({ path }) => path.startsWith(`${folder}/`));

/** Arrows that must not exist: [from, to, why]. */
const forbidden: readonly (readonly [from: string, to: RegExp, why: string])[] = [
  ['src/contract', /^(src\/(?!contract)|strategies|bench|test)/, 'the contract imports nothing'],
  ['strategies', /^src\/(scenarios|engine|http|telemetry|explore|services)/, 'only the contract'],
  [
    'src/scenarios',
    /^(strategies|src\/(engine|store|http|telemetry|explore|services))/,
    'only the contract',
  ],
  ['src', /^(bench|test)\//, 'the product does not need its tests'],
  ['src/engine', /^src\/(scenarios|http|telemetry|explore|services)/, 'the engine knows no names'],
  ['src/store', /^src\/(engine|scenarios|http|telemetry|explore|services)/, 'stores know no rules'],
  ['bench/lab', /^bench\/(?!lab)/, 'the lab serves every instrument and knows none'],
  ['bench/page', /^bench\/(?!page|lab)/, 'a page knows no result'],
  ['bench/explore', /^bench\/(?!explore|lab|page)/, 'an instrument of its own'],
  ['bench/load', /^bench\/(?!load|lab|page)/, 'an instrument of its own'],
  ['bench/floors', /^bench\/(?!floors|lab|page)/, 'an instrument of its own'],
  ['bench/crowd', /^bench\/(?!crowd|lab|page)/, 'an instrument of its own'],
  ['bench/faults', /^bench\/(?!faults|lab|page|compare\/client)/, 'an instrument of its own'],
  ['bench/compare', /^bench\/(?!compare|explore|lab|page)/, 'load and orders of one claim'],
  ['bench/advise', /^bench\/(cli|report)/, 'advice is asked for, and asks nobody'],
  ['bench/report', /^bench\/cli/, 'a report is started, and starts nothing'],
  [
    'src/explore',
    /^(src\/(?!explore|error-message)|strategies|bench|test)/,
    'usable without the rest',
  ],
  ['bench/scan', /^bench\/(?!scan|lab|page)/, 'an instrument of its own'],
  [
    'src/scan',
    /^(src\/(?!scan|explore|error-message)|strategies|bench|test)/,
    'usable without the rest',
  ],
  [
    'src/services',
    /^(src\/(?!services|error-message|store-url)|strategies|bench|test)/,
    'usable without the rest',
  ],
];

describe('arrows', () => {
  for (const [from, to, why] of forbidden) {
    test(`${from} does not reach ${to.source}: ${why}`, () => {
      const broken = below(from).flatMap(({ path, imports }) =>
        imports.filter(target => to.test(target)).map(target => `${path} -> ${target}`),
      );
      expect(broken).toEqual([]);
    });
  }

  test('the contract imports packages as types only', () => {
    const runtime = below('src/contract').filter(({ text }) =>
      /^import (?!type)[^;]*from '(?!\.)/m.test(text),
    );
    expect(runtime.map(({ path }) => path)).toEqual([]);
  });

  test('a package that could be replaced is imported in one room', () => {
    const rooms = (name: string) => [
      ...new Set(
        all
          .filter(({ path, imports }) => !/^(test|examples)\//.test(path) && imports.includes(name))
          .map(({ path }) => path.split('/').slice(0, 2).join('/')),
      ),
    ];
    expect(rooms('prom-client')).toEqual(['src/telemetry']);
    expect(rooms('express')).toEqual(['src/http']);
    expect(rooms('sequelize')).toEqual(['src/store']);
    expect(rooms('umzug')).toEqual(['src/store']);
    expect(rooms('markdown-table')).toEqual(['bench/page']);
    expect(rooms('esbuild')).toEqual(['bench/advise']);
  });
});

describe('names', () => {
  test('no variant is branched on by its name', async () => {
    const { strategies, scenarios } = await loadRegistry();
    const words = ['none', 'serializable']; // also a migration, and an isolation level
    const names = [...strategies.keys(), ...scenarios.keys()].filter(name => !words.includes(name));
    const rooms = ['src/engine', 'src/store', 'src/http', 'src/telemetry', 'src/contract'];
    const broken = rooms
      .flatMap(below)
      .flatMap(({ path, text }) =>
        names.filter(name => text.includes(`'${name}'`)).map(name => `${path}: '${name}'`),
      );
    expect(broken).toEqual([]);
  });

  test('every connection to Postgres is listened to before it connects', () => {
    // an error that nobody listens to ends the process, and Postgres may send one as it says ready
    const deaf = all
      .filter(({ path }) => /^(src|bench)\//.test(path))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/new pg\.(Client|Pool)\(/g)]
          .filter(({ 1: kind, index }) => {
            const made = text.slice(index).split('connect()')[0] ?? '';
            const listens = /\.on\('error', /.test(made);
            return !(listens && (kind === 'Client' || /clientAt|\.on\('connect', /.test(made)));
          })
          .map(({ index }) => `${path}: ${text.slice(index, index + 60)}`),
      );
    expect(deaf).toEqual([]);
  });

  test('no file is called after nothing', () => {
    const vague = /^(utils?|helpers?|common|misc|manager|lib)\b/;
    expect(all.map(({ path }) => basename(path)).filter(name => vague.test(name))).toEqual([]);
  });
});

describe('budgets', () => {
  test('no file is longer than 300 lines', () => {
    const long = all.map(({ path, text }) => `${text.split('\n').length} ${path}`);
    expect(long.filter(line => Number.parseInt(line, 10) > 300)).toEqual([]);
  });

  test('a strategy is one file of at most 70 lines', () => {
    const odd = all
      .filter(({ path }) => /^strategies\/(hazards\/)?[^/]+\.ts$/.test(path))
      .map(({ path, text }) => `${text.trimEnd().split('\n').length} ${path}`)
      .filter(line => Number.parseInt(line, 10) > 70);
    expect(odd).toEqual([]);
  });
});

describe('dead files', () => {
  /** Started by path rather than imported. */
  const entries = [
    /^src\/main\.ts$/,
    /^src\/contract\/package\.ts$/,
    /^src\/services\/keeper-process\.ts$/,
    /^src\/scenarios\/[^/]+\/index\.ts$/,
    /^src\/explore\/(main|index|.*-process)\.ts$/,
    /^src\/scan\/.*-process\.ts$/,
    /^bench\/explore\/.*-process\.ts$/,
    /^strategies\/(hazards\/)?[^/]+\.ts$/,
    /^bench\/load\/k6\/scenario\.ts$/,
    /^bench\/floors\/peers\/[a-z0-9-]+\.ts$/,
    /^bench\/faults\/(faults|controls)\/[a-z0-9-]+\.ts$/,
    /^bench\/.*-process\.ts$/,
    /^bench\/advise\/in-browser\.ts$/, // bundled into a page
    /^bench\/cli\/[a-z-]+\.ts$/,
    /\.d\.ts$/,
  ];

  test('every file of the product is started or imported by another', () => {
    const imported = new Set(
      all.filter(({ path }) => !path.startsWith('test/')).flatMap(({ imports }) => imports),
    );
    const dead = [...below('src'), ...below('strategies'), ...below('bench')]
      .map(({ path }) => path)
      .filter(path => !imported.has(path) && !entries.some(entry => entry.test(path)));
    expect(dead).toEqual([]);
  });
});

describe('documents', () => {
  test('each scenario tells its incident in a README', () => {
    const folders = readdirSync(join(root, 'src', 'scenarios'), { withFileTypes: true })
      .filter(entry => entry.isDirectory())
      .map(entry => entry.name);
    const without = folders.filter(
      name => !existsSync(join(root, 'src', 'scenarios', name, 'README.md')),
    );
    expect(without).toEqual([]);
  });
});
