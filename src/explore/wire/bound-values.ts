import { cString } from './postgres-unit.ts';

/** The values of one Execute, as text; `\x…` where they were sent in binary. */
export type BoundValues = readonly (string | null)[];

/**
 * What each Execute in these messages has bound, in their order. `portals`: those that messages before
 * have opened, kept from call to call; without it an Execute of one of them has no values.
 */
export function boundValues(
  bytes: Buffer,
  portals: Map<string, BoundValues> = new Map(),
): readonly BoundValues[] {
  const values: BoundValues[] = [];
  let at = 0;
  while (at + 5 <= bytes.length) {
    const type = String.fromCharCode(bytes[at] ?? 0);
    const end = at + 1 + bytes.readInt32BE(at + 1);
    const portal = cString(bytes, at + 5);
    if (type === 'B') portals.set(portal, bind(bytes, at + 5));
    else if (type === 'E') values.push(portals.get(portal) ?? []);
    at = end;
  }
  return values;
}

/** Source: PostgreSQL documentation, "Message Formats", Bind. */
function bind(bytes: Buffer, from: number): BoundValues {
  const afterPortal = from + Buffer.byteLength(cString(bytes, from)) + 1;
  let at = afterPortal + Buffer.byteLength(cString(bytes, afterPortal)) + 1;
  const formats: number[] = [];
  for (let left = bytes.readInt16BE(at); left > 0; left--) {
    at += 2;
    formats.push(bytes.readInt16BE(at));
  }
  at += 2;
  const count = bytes.readInt16BE(at);
  at += 2;
  const values: (string | null)[] = [];
  for (let index = 0; index < count; index++) {
    const length = bytes.readInt32BE(at);
    at += 4;
    const format = formats.length === 1 ? formats[0] : (formats[index] ?? 0);
    if (length < 0) values.push(null);
    else {
      const value = bytes.subarray(at, at + length);
      values.push(format === 1 ? `\\x${value.toString('hex')}` : value.toString('utf8'));
      at += length;
    }
  }
  return values;
}
