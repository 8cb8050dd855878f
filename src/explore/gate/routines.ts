import { type SqlToken, sqlTokens } from '../wire/sql-lexer.ts';
import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';
import { fromLists, isWrite, wordsBefore } from './look-or-write.ts';
import { statementsInside } from './routine-body.ts';

/** What the database says of a function or a procedure of the application's own. */
export interface RoutineSource {
  readonly name: string;
  readonly language: string;
  /** Empty where it is not to be had as a text. */
  readonly body: string;
  /** The tables on which it is a trigger. */
  readonly tables: readonly string[];
  /**
   * Whether its statements have snapshots of their own. One that is STABLE or IMMUTABLE looks at that
   * of whoever calls it: one more for each statement of a VOLATILE function.
   */
  readonly isVolatile: boolean;
  /** It may be called as if it were a column: `seat.is_free`. */
  readonly isLikeColumn: boolean;
  /** An operator or a cast runs it. */
  readonly isUnnamed: boolean;
}

/** A table or view, and what a statement on it runs beside itself. */
export interface RelationSource {
  readonly name: string;
  /** Written together with it: what a foreign key cascades to, partitions, the tables of a view. */
  readonly writes: readonly string[];
  /** Functions of its columns, their domains, constraints, policies and indexes, and those that a view calls. */
  readonly functions: readonly string[];
  /** It has a rule: other statements run beside or instead of one. */
  readonly ruled: boolean;
  /** No relation, but a type: a statement that names it may run its checks. */
  readonly isDomain: boolean;
}

/** Code at the server of which one call is more than one step. */
export class Routines {
  /** Functions of more than one step. */
  #several = new Set<string>();
  /** Functions that reach rows at all: each call has a snapshot of its own. */
  #reaching = new Set<string>();
  /** The same and, of those that look at the snapshot of their caller, all that look at all. */
  #looking: ReadonlySet<string> = new Set();
  #likeColumns: ReadonlySet<string> = new Set();
  #known = new Set<string>();
  /** A function that reaches rows and is run by an operator or a cast. */
  unnamed: string | undefined;
  /** Tables and views of which a write is more than one step. */
  #triggered = new Set<string>();
  /** Views of which a look is. */
  #calling = new Set<string>();
  #relations: ReadonlySet<string> = new Set();
  /** Tables that callers made: their writes are not split into look and effect. */
  readonly #made = new Set<string>();
  readonly #oneStep: ReadonlySet<string>;
  /** What was said of statements, as long as nothing else is known. */
  #said = new WeakMap<readonly SqlStatement[], { readonly hides: string | undefined }>();

  /** `oneStep`: functions, procedures and tables with triggers that are taken for a single step. */
  constructor(oneStep: readonly string[] = []) {
    this.#oneStep = new Set(oneStep);
  }

  /** What `hides` says of these statements; asked once, until more is learnt. */
  once(
    statements: readonly SqlStatement[],
    hides: (statements: readonly SqlStatement[], routines: Routines) => string | undefined,
  ): string | undefined {
    const known = this.#said.get(statements) ?? { hides: hides(statements, this) };
    this.#said.set(statements, known);
    return known.hides;
  }

  /** What the database holds, before the first order. */
  learn(sources: readonly RoutineSource[], relations: readonly RelationSource[]): void {
    this.#said = new WeakMap();
    const looking = lookingOnes(sources);
    const counted = sources
      .filter(({ name }) => !this.#oneStep.has(name))
      .map(source => ({ ...source, count: countOf(source, looking) }));
    const others = relations.filter(({ name }) => !this.#oneStep.has(name));
    this.#known = namesOf(sources);
    this.#looking = looking;
    this.#likeColumns = namesOf(sources.filter(({ isLikeColumn }) => isLikeColumn));
    this.#relations = namesOf(others.filter(({ isDomain }) => !isDomain));
    const own = counted.filter(({ isVolatile }) => isVolatile);
    this.#several = namesOf(own.filter(({ count }) => count > 1));
    this.#reaching = namesOf(own.filter(({ count }) => count > 0));
    this.#throughOthers(counted);
    const reaches = (name: string): boolean => this.#reaching.has(name);
    this.unnamed = counted.find(({ name, isUnnamed }) => isUnnamed && reaches(name))?.name;
    this.#calling = namesOf(others.filter(({ functions }) => functions.some(reaches)));
    // The statement that fires it is one already.
    const fired = counted.filter(({ count }) => count > 0).flatMap(({ tables }) => tables);
    this.#triggered = namesOf(
      others.filter(({ name, ruled, functions }) => {
        return ruled || functions.some(reaches) || fired.includes(name);
      }),
    );
    this.#follow(counted, others);
  }

  /** One that is called STABLE and calls others that take snapshots of their own. */
  #throughOthers(sources: readonly RoutineSource[]): void {
    let before = -1;
    while (before !== this.#several.size) {
      before = this.#several.size;
      for (const { name, body, isVolatile } of sources) {
        const calls = sqlTokens(body).some((_, at, all) => this.#isCallOf(this.#reaching, all, at));
        if (isVolatile || !calls) continue;
        this.#several.add(name);
        this.#reaching.add(name);
      }
    }
  }

  /** Until nothing is added: what writes to such a table is more than one step, too, and so on. */
  #follow(sources: readonly RoutineSource[], relations: readonly RelationSource[]): void {
    let before = -1;
    while (before !== this.#several.size + this.#triggered.size) {
      before = this.#several.size + this.#triggered.size;
      for (const { name, writes } of relations) {
        if (writes.some(one => this.#triggered.has(one))) this.#triggered.add(name);
      }
      for (const { name, body } of sources) {
        const tokens = sqlTokens(body);
        const more = this.calledIn(tokens) ?? this.firedIn(tokens);
        if (more !== undefined) this.#several.add(name);
      }
    }
  }

  /** The statement inside a DO block, if there is only one. */
  blockOf(tokens: readonly SqlToken[]): readonly SqlToken[] | undefined {
    const body = tokens.find(({ kind }) => kind === 'dollar' || kind === 'string');
    if (body === undefined || statementsInside(body.value, this.#looking) > 1) return undefined;
    return sqlTokens(body.value);
  }

  /** Statements on their way to the server: one may make a function, or have a table run one. */
  heed(statements: readonly SqlStatement[]): void {
    for (const { tokens } of statements) {
      const words = leadingWords(tokens, 4);
      if (/^create (or replace )?(function|procedure)\b/.test(words)) this.#heedFunction(tokens);
      else if (/^(create|alter)\b/.test(words)) this.#heedTable(tokens);
      if (/^create (\w+ )*table\b/.test(words)) this.#heedMade(tokens);
    }
  }

  #heedFunction(tokens: readonly SqlToken[]): void {
    const name = tokens[tokens.findIndex(({ value }) => value === '(') - 1]?.value ?? '';
    const body = tokens.findLast(({ kind }) => kind === 'dollar' || kind === 'string')?.value;
    const count = body === undefined ? 2 : statementsInside(body, this.#looking);
    this.#said = new WeakMap();
    this.#known.add(name);
    if (count === 0) return;
    this.#looking = new Set([...this.#looking, name]);
    if (this.#oneStep.has(name)) return;
    this.#reaching.add(name);
    const inside = sqlTokens(body ?? '');
    const more = this.calledIn(inside) ?? this.firedIn(inside);
    if (count > 1 || more !== undefined) this.#several.add(name);
  }

  /** A trigger, a rule, a default, a CHECK or a policy that runs a function that reaches rows. */
  #heedTable(tokens: readonly SqlToken[]): void {
    const isRule = /\brule\b/.test(leadingWords(tokens, 4));
    const runs = isRule || tokens.some((_, at) => this.#isCallOf(this.#reaching, tokens, at));
    const before = new Set(isRule ? ['to'] : ['on', 'table']);
    const at = tokens.findIndex(({ kind, value }) => kind === 'word' && before.has(value));
    const name = tokens
      .slice(at + 1)
      .findIndex(token => isName(token) && !optional.has(token.value));
    if (!runs || at < 0 || name < 0) return;
    const schema = tokens[at + 2 + name]?.value === '.' ? 2 : 0;
    const table = tokens[at + 1 + name + schema]?.value ?? '';
    if (this.#oneStep.has(table)) return;
    this.#said = new WeakMap();
    this.#triggered.add(table);
  }

  #heedMade(tokens: readonly SqlToken[]): void {
    const at = tokens.findIndex(({ kind, value }) => kind === 'word' && value === 'table');
    const from = tokens.findIndex((token, index) => {
      return index > at && isName(token) && !optional.has(token.value);
    });
    const schema = tokens[from + 1]?.value === '.' ? 2 : 0;
    const name = tokens[from + schema]?.value;
    if (from < 0 || name === undefined || this.#oneStep.has(name)) return;
    this.#said = new WeakMap();
    this.#made.add(name);
  }

  /** The table of the callers' own to which a statement writes by what it has looked up. */
  madeIn(tokens: readonly SqlToken[]): string | undefined {
    const isWritten = tokens.some((one, at) => one.value !== 'copy' && isWrite(one, at, tokens));
    if (!isWritten || fromLists(tokens).size === 0) return undefined;
    return tokens.find(token => isName(token) && this.#made.has(token.value))?.value;
  }

  /** A procedure that is not known, or does more than one thing. */
  hidesCall(name: string): boolean {
    return !this.#known.has(name) || this.#several.has(name);
  }

  /** The function of several statements that a statement calls by its name. */
  calledIn(tokens: readonly SqlToken[]): string | undefined {
    return tokens.find((_, at) => this.#isCallOf(this.#several, tokens, at))?.value;
  }

  /**
   * The function of one statement that is called beside another look, or may be called more than
   * once: each call sees what was committed until then. `select f()` alone is one step.
   */
  calledAgainIn(tokens: readonly SqlToken[]): string | undefined {
    const calls = tokens.filter((_, at) => this.#isCallOf(this.#reaching, tokens, at));
    const [first, another] = calls;
    if (first === undefined) return undefined;
    const from = tokens.findIndex(({ kind, value }) => kind === 'word' && value === 'from');
    const schema = tokens[from + 2]?.value === '.' ? 2 : 0;
    const onlyFrom = from >= 0 && tokens.indexOf(first) === from + 1 + schema;
    const more = another !== undefined || (from >= 0 && !onlyFrom) || this.looksIn(tokens);
    return more ? first.value : undefined;
  }

  /** Whether a statement names a table or view. */
  looksIn(tokens: readonly SqlToken[]): boolean {
    return tokens.some(token => isName(token) && this.#relations.has(token.value));
  }

  /** How often a statement looks into a table or view; what it writes to is none. */
  looksOf(tokens: readonly SqlToken[]): number {
    const isLook = (token: SqlToken, at: number): boolean => {
      const schema = tokens[at - 1]?.value === '.' ? 2 : 0;
      const before = tokens[at - 1 - schema]?.value ?? '';
      if (tokens[at + 1]?.value === '.') return false; // it qualifies a column
      if (/^delete from( only)?$/.test(wordsBefore(tokens, at - schema))) return false;
      return (
        isName(token) &&
        this.#relations.has(token.value) &&
        /^(from|join|using|only|,)$/.test(before)
      );
    };
    return tokens.filter(isLook).length;
  }

  /** The view that a statement names, and whose definition calls functions that look. */
  callingIn(tokens: readonly SqlToken[]): string | undefined {
    return tokens.find(token => isName(token) && this.#calling.has(token.value))?.value;
  }

  #isCallOf(names: ReadonlySet<string>, tokens: readonly SqlToken[], at: number): boolean {
    const token = tokens[at];
    if (token === undefined || !isName(token) || !names.has(token.value)) return false;
    const isColumn = this.#likeColumns.has(token.value) && tokens[at - 1]?.value === '.';
    return isColumn || tokens[at + 1]?.value === '(';
  }

  /** The table that a statement may write, and whose trigger reads or writes in turn. */
  firedIn(tokens: readonly SqlToken[]): string | undefined {
    if (!tokens.some(isWrite)) return undefined;
    return tokens.find(token => isName(token) && this.#triggered.has(token.value))?.value;
  }
}

const optional = new Set('if not exists only'.split(' '));

function namesOf(all: readonly { readonly name: string }[]): Set<string> {
  return new Set(all.map(({ name }) => name));
}

function isName({ kind }: SqlToken): boolean {
  return kind === 'word' || kind === 'name';
}

/** Of another language nothing is known: it may do anything. */
function countOf({ language, body }: RoutineSource, names: ReadonlySet<string>): number {
  if ((language !== 'plpgsql' && language !== 'sql') || body === '') return 2;
  return statementsInside(body, names);
}

/** All that reach rows by themselves or through others. */
function lookingOnes(sources: readonly RoutineSource[]): ReadonlySet<string> {
  const looking = new Set<string>();
  let before = -1;
  while (before !== looking.size) {
    before = looking.size;
    for (const one of sources) if (countOf(one, looking) > 0) looking.add(one.name);
  }
  return looking;
}
