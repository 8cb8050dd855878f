import { didYouMean } from './nearest.ts';

/** The errors in a value, each beginning with its path; empty when it is valid. */
export type Check = (value: unknown, path: string) => readonly string[];

export const text: Check = expecting('a text', value => typeof value === 'string');
export const flag: Check = expecting('true or false', value => typeof value === 'boolean');
export const callable: Check = expecting('a function', value => typeof value === 'function');
export const whole: Check = expecting('a whole number ≥ 0', isWhole);
export const positive: Check = expecting(
  'a whole number ≥ 1',
  value => isWhole(value) && value >= 1,
);
export const bound: Check = expecting("a whole number ≥ 0, or 'unbounded'", value => {
  return value === 'unbounded' || isWhole(value);
});
export const seconds: Check = expecting('a number ≥ 0', value => {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
});
export const anything: Check = () => [];

/** A check that says what was expected, and what there was. */
export function expecting(what: string, fits: (value: unknown) => boolean): Check {
  return (value, path) => (fits(value) ? [] : [`${path}: expected ${what}, got ${shown(value)}`]);
}

/** One of these names. */
export function oneOf(names: readonly string[], what: string): Check {
  return (value, path) => {
    if (typeof value === 'string' && names.includes(value)) return [];
    const near = typeof value === 'string' ? didYouMean(value, names) : '';
    return [`${path}: no ${what} ${shown(value)}${near}; expected ${among(names)}`];
  };
}

export function listOf(check: Check, what: string): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return [`${path}: expected a list of ${what}, got ${shown(value)}`];
    return value.flatMap((one, at) => check(one, `${path}[${at}]`));
  };
}

/** An object with these fields and no others; a field whose value is undefined counts as absent. */
export function shaped(
  fields: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`${path}: expected an object, got ${shown(value)}`];
    }
    const names = Object.keys(fields);
    const unknown = Object.keys(value).filter(key => !names.includes(key));
    const missing = required.filter(key => own(value, key) === undefined && !isLater(value, key));
    return [
      ...unknown.map(key => `${inside(path)}unknown key '${key}'${didYouMean(key, names)}`),
      ...missing.map(key => `${inside(path)}'${key}' is missing`),
      ...names.flatMap(key => {
        const given = own(value, key);
        return given === undefined ? [] : (fields[key]?.(given, joined(path, key)) ?? []);
      }),
    ];
  };
}

/** Every value of an object, whatever its key. */
export function valuesOf(check: Check): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`${path}: expected an object, got ${shown(value)}`];
    }
    return Object.keys(value).flatMap(key => {
      const given = own(value, key);
      return given === undefined ? [] : check(given, joined(path, key));
    });
  };
}

/** Getters are not called: their value may be known only later. Undefined may mean the same. */
function own(value: object, key: string): unknown {
  return isLater(value, key) ? undefined : Reflect.get(value, key);
}

function isLater(value: object, key: string): boolean {
  return Object.getOwnPropertyDescriptor(value, key)?.get !== undefined;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function inside(path: string): string {
  return path === '' ? '' : `${path}: `;
}

function joined(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function among(names: readonly string[]): string {
  return names.length === 1 ? `'${names[0]}'` : `one of ${names.join(', ')}`;
}

const charactersMax = 60;

/** A value as error messages show it. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, charactersMax)}'`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return 'an object';
  return Array.isArray(value) ? 'a list' : String(value);
}
