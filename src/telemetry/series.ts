/** What tells a series from another; a histogram's samples have parts that the types do not know. */
const parts = ['metricName', 'labels', 'sharedLabels'] as const;

/** Whether two samples are of one series. */
export function isAlike(a: object, b: object): boolean {
  return a === b || parts.every(part => isSame(Reflect.get(a, part), Reflect.get(b, part)));
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every(name => Reflect.get(a, name) === Reflect.get(b, name));
}
