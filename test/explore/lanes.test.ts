/** What schedules asks a lane and never which class it is: a new store is a new lane and nothing else. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('only gates and the arena that opens them know classes of lanes', () => {
  const all = readdirSync('src/explore', { recursive: true, encoding: 'utf8' });
  const files = all.filter(file => file.endsWith('.ts') && !file.startsWith('gate/'));
  expect(files.length).toBeGreaterThan(50);
  const asking = files.filter(file => {
    const text = readFileSync(`src/explore/${file}`, 'utf8');
    return /\b(?:Postgres|Redis|Http|Cancel|Bare)Lane\b/.test(text);
  });
  expect(asking).toEqual([]);
});
