import { expect, test } from 'vitest';
import { exploredOf } from '../../bench/compare/explored.ts';
import { exploredNotes, partText, reachText } from '../../bench/explore/explored.ts';
import { participantsOf } from '../../bench/lab/plan.ts';
import { loadRegistry } from '../../src/engine/registry.ts';

test('cells for which no time was left are told, and not as explored', async () => {
  const registry = await loadRegistry();
  const scenario = registry.scenarios.get('appointment');
  if (scenario === undefined) throw new Error('there is no scenario appointment');
  const participants = participantsOf(registry, ['row-lock']);
  const cells = participants.map(participant => ({
    cell: { scenario, variant: 'plain', participant },
  }));
  const found = await exploredOf({
    services: { postgres: { url: 'postgres://nobody@127.0.0.1:1/none' } },
    cells,
    settings: { exploreSeconds: 1 }, // too short to start anything
    strategyFiles: [],
    report: () => undefined,
    signal: new AbortController().signal,
  });
  const plain = found.filter(({ round }) => round === 'plain');
  expect(plain.map(({ strategies }) => strategies[0])).toEqual(['row-lock', 'unprotected']);
  for (const cell of found) {
    expect(cell.outcome).toBe('budget-stopped');
    expect(partText(cell, 'none')).not.toContain('✓');
    expect(reachText(cell)).toBe('budget-stopped');
  }
  expect(exploredNotes(found).join()).toContain('row-lock');
});
