import { expect, test } from 'vitest';
import { sources } from './sources.ts';

const importsOf = new Map(sources().map(({ path, imports }) => [path, imports]));

/** A way from the file back to itself, each file importing the next; types count. */
function circleThrough(file: string): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [file];
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const next of importsOf.get(at) ?? []) {
      if (next === file) return [...wayTo(at, cameFrom), file];
      if (cameFrom.has(next) || !importsOf.has(next)) continue;
      cameFrom.set(next, at);
      queue.push(next);
    }
  }
  return undefined;
}

function wayTo(file: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const from = cameFrom.get(file);
  return from === undefined ? [file] : [...wayTo(from, cameFrom), file];
}

test.each(['src', 'strategies'])('no file of %s imports itself in a circle', folder => {
  const files = [...importsOf.keys()].filter(path => path.startsWith(`${folder}/`));
  expect(files.length).toBeGreaterThan(0);
  const circles = files.flatMap(file => circleThrough(file)?.join(' -> ') ?? []);
  expect(circles).toEqual([]);
});
