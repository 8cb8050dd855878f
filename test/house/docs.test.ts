import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { casesOf, untested } from '../../bench/report/cases.ts';
import { generatedDocuments } from '../../bench/report/documents.ts';
import { checkConfig } from '../../src/explore/config-check.ts';
import { exitCodes, interruptedCode } from '../../src/explore/exit-codes.ts';
import { root } from './sources.ts';

const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const documents = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.md'))
    .map(name => join('docs', name)),
];

describe('the documents', () => {
  test("the README's matrix and docs/matrix.md are what the committed run says", async () => {
    for (const [path, generated] of Object.entries(await generatedDocuments()))
      expect(text(path), path).toBe(generated);
  });

  test('every named case is a test', () => {
    const rows = text('docs/cases.md').split('\n');
    expect(rows.filter(row => row.endsWith(`${untested} |`))).toEqual([]);
    expect(casesOf(rows.join('\n')).length).toBeGreaterThan(50);
  });

  test('every npm script that is named exists', () => {
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(text('package.json'));
    const named = documents.flatMap(path =>
      [...text(path).matchAll(/npm run ([a-z]+(?:[:-][a-z]+)*)/g)].map(
        match => `${path}: ${match[1]}`,
      ),
    );
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter(one => !((one.split(': ')[1] ?? '') in scripts))).toEqual([]);
  });

  test('every file that is linked or named in a command exists', () => {
    const links = documents.flatMap(path =>
      [...text(path).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(match => ({
        path,
        target: join(dirname(path), match[1] ?? ''),
      })),
    );
    const examples = documents.flatMap(path =>
      [...text(path).matchAll(/\.\/(examples\/[\w./-]+)/g)].map(match => ({
        path,
        target: match[1] ?? '',
      })),
    );
    const missing = [...links, ...examples].filter(({ target }) => !existsSync(join(root, target)));
    expect(missing).toEqual([]);
  });

  const ownCode = text('docs/find-a-race.md');

  test('the exit codes for code of your own are those of the command', () => {
    const rows = ownCode.matchAll(/^\| (\d+) \| (?:`([\w-]+)`)? ?\|/gm);
    const told = [...rows].map(([, code, outcome]) => [outcome ?? '', Number(code)]);
    const { usage, missing, ...outcomes } = exitCodes;
    const known = [...Object.entries(outcomes), ['', usage], ['', missing], ['', interruptedCode]];
    expect(told.toSorted()).toEqual(known.toSorted());
  });

  test('what a config may say, as the page shows it, is taken', () => {
    const act = async () => 'done';
    const right = { setup: '', audit: 'select 1', actors: { ann: act, bob: act } };
    const servers = { pgUrl: 'postgres://postgres@127.0.0.1:5432/postgres' };
    const keys = [...ownCode.matchAll(/^\| `(\w+): /gm)].map(([, key = '']) => key);
    expect(keys.length).toBeGreaterThan(6);
    for (const key of keys)
      expect(() => checkConfig({ ...right, [key]: undefined }, { servers })).not.toThrow();
    const wrong = { ...right, nonsense: undefined };
    expect(() => checkConfig(wrong, { servers })).toThrow("unknown key 'nonsense'");
  });

  test('every option of compare that is named is one that it has', () => {
    const known = text('bench/compare/options.ts') + text('bench/lab/usual-options.ts');
    const named = documents.flatMap(path =>
      text(path)
        .split('\n')
        .filter(line => line.includes('npm run compare'))
        .flatMap(line => [...line.matchAll(/ (--[a-z]+)/g)].map(match => match[1] ?? '')),
    );
    expect(named.filter(option => option !== '--help' && !known.includes(`'${option} `))).toEqual(
      [],
    );
  });
});
