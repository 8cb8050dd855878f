import type { SqlToken } from '../wire/sql-lexer.ts';
import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';
import { statementsInside } from './routine-body.ts';

/** What the database says of a function or a procedure of the application's own. */
export interface RoutineSource {
  readonly name: string;
  readonly language: string;
  /** Empty where it is not to be had as a text. */
  readonly body: string;
  /** The tables on which it is a trigger. */
  readonly tables: readonly string[];
}

/** Code at the server of which one call is more than one step. */
export class Routines {
  #several = new Set<string>();
  #known = new Set<string>();
  #triggered: ReadonlySet<string> = new Set();
  readonly #oneStep: ReadonlySet<string>;

  /** `oneStep`: functions, procedures and tables with triggers that are taken for a single step. */
  constructor(oneStep: readonly string[] = []) {
    this.#oneStep = new Set(oneStep);
  }

  /** Only VOLATILE ones: all others look at the snapshot of the statement that calls them. */
  learn(sources: readonly RoutineSource[]): void {
    const names = new Set(sources.map(({ name }) => name));
    const counted = sources.map(source => ({
      ...source,
      count: this.#oneStep.has(source.name) ? 1 : countOf(source, names),
    }));
    this.#known = names;
    this.#several = new Set(counted.filter(({ count }) => count > 1).map(({ name }) => name));
    // The statement that fires it is one already.
    const fires = counted.filter(({ count }) => count > 0);
    const tables = fires.flatMap(one => one.tables);
    this.#triggered = new Set(tables.filter(table => !this.#oneStep.has(table)));
  }

  /** Statements on their way to the server: one may make a function. */
  heed(statements: readonly SqlStatement[]): void {
    for (const { tokens } of statements) {
      const words = leadingWords(tokens, 4);
      if (!/^create (or replace )?(function|procedure)\b/.test(words)) continue;
      const name = tokens[tokens.findIndex(({ value }) => value === '(') - 1]?.value ?? '';
      const body = tokens.findLast(({ kind }) => kind === 'dollar' || kind === 'string')?.value;
      this.#known.add(name);
      const isShort = body !== undefined && statementsInside(body, this.#known) < 2;
      const isOne = isShort || this.#oneStep.has(name);
      if (!isOne) this.#several.add(name);
    }
  }

  /** A procedure that is not known, or does more than one thing. */
  hidesCall(name: string): boolean {
    return !this.#known.has(name) || this.#several.has(name);
  }

  /** The function of several statements that a statement calls by its name. */
  calledIn(tokens: readonly SqlToken[]): string | undefined {
    return tokens.find(({ kind, value }, at) => {
      const isName = kind === 'word' || kind === 'name';
      return isName && tokens[at + 1]?.value === '(' && this.#several.has(value);
    })?.value;
  }

  /** The table that a statement may write, and whose trigger reads or writes in turn. */
  firedIn(tokens: readonly SqlToken[]): string | undefined {
    const isWrite = ({ kind, value }: SqlToken, at: number): boolean => {
      const locks = value === 'update' && /^(for|key)$/.test(tokens[at - 1]?.value ?? '');
      return kind === 'word' && writes.has(value) && !locks;
    };
    if (!tokens.some(isWrite)) return undefined;
    return tokens.find(({ kind, value }) => {
      return (kind === 'word' || kind === 'name') && this.#triggered.has(value);
    })?.value;
  }
}

const writes = new Set('insert update delete merge copy truncate'.split(' '));

/** Of another language nothing is known: it may do anything. */
function countOf({ language, body }: RoutineSource, names: ReadonlySet<string>): number {
  if ((language !== 'plpgsql' && language !== 'sql') || body === '') return 2;
  return statementsInside(body, names);
}
