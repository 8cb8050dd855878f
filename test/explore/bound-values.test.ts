import { expect, test } from 'vitest';
import { type BoundValues, boundValues } from '../../src/explore/wire/bound-values.ts';

const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const message = (type: string, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
};
const named = (portal: string): Buffer => Buffer.from(`${portal}\0`);
/** Binds one text and one NULL. */
const bind = (portal: string, text: string): Buffer =>
  message(
    'B',
    named(portal),
    named(''),
    int16(0),
    int16(2),
    int32(text.length),
    Buffer.from(text),
    int32(-1),
  );
const execute = (portal: string): Buffer => message('E', named(portal), int32(0));

test('an Execute has the values of its portal, also of one that a message before has opened', () => {
  const portals = new Map<string, BoundValues>();
  const both = Buffer.concat([bind('p', 'ann'), bind('', 'bob'), execute('')]);
  expect(boundValues(both, portals)).toEqual([['bob', null]]);
  expect(boundValues(execute('p'), portals)).toEqual([['ann', null]]);
  expect(boundValues(execute('p'))).toEqual([[]]);
});
