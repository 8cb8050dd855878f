/**
 * Numbers in [0, 1), the same for the same seed: mulberry32 (Tommy Ettinger, public domain). 32 bits of
 * state are plenty for a schedule or a load, and for no secret. Imports nothing: k6 compiles it as well.
 */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
