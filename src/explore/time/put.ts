/** Replaces a property; what it returns puts back what was there. */
export function put(target: object, name: string | symbol, value: unknown): () => void {
  return define(target, name, { value, configurable: true, writable: true });
}

/** The same with a getter. */
export function putGetter(target: object, name: string, get: () => unknown): () => void {
  return define(target, name, { get, configurable: true });
}

function define(target: object, name: string | symbol, as: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, as);
  return () => {
    if (before === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, before);
  };
}
