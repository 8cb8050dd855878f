import { describe, expect, test } from 'vitest';
import { markOf, newCommandId, originOf } from '../../src/engine/command-id.ts';
import { loadRegistry } from '../../src/engine/registry.ts';

describe('the id of a command', () => {
  test('is a UUID of version 8 that says when it began and under which strategy', () => {
    const beganMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
    const id = newCommandId('row-lock', beganMs);
    expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(originOf(id)).toEqual({ beganMs, mark: markOf('row-lock') });
  });

  test('is never the same twice, in one millisecond and under one strategy', () => {
    const made = Array.from({ length: 10_000 }, () => newCommandId('row-lock', 1));
    expect(new Set(made).size).toBe(made.length);
  });

  test('that was made elsewhere says nothing', () => {
    expect(originOf('f81d4fae-7dec-41d0-a765-00a0c91e6bf6')).toBeUndefined();
    expect(originOf('1')).toBeUndefined();
  });

  test('tells all our strategies apart', async () => {
    const { strategies } = await loadRegistry();
    const marks = [...strategies.keys()].map(markOf);
    expect(new Set(marks).size).toBe(marks.length);
  });
});
