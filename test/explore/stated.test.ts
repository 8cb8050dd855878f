import { expect, test } from 'vitest';
import { Stated } from '../../src/explore/gate/postgres-stated.ts';

test.each(['listen told', '/* app */ listen told', 'begin; listen told; commit', 'listen"told"'])(
  'a session listens from here on: %s',
  text => {
    const stated = new Stated();
    stated.heed(text);
    expect(stated.listens).toBe(true);
  },
);
