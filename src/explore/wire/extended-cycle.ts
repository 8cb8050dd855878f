import { cString, type PostgresUnit, UnsupportedWire } from './postgres-unit.ts';

const flush = Buffer.from([0x48, 0, 0, 0, 4]);

/** Up to an Execute, or what stands behind the last. */
interface Section {
  readonly messages: Buffer[];
  readonly texts: string[];
  replies: number;
}

/** Collects Parse … Sync, and knows which text a prepared name or a portal stands for. */
export class ExtendedCycle {
  readonly #statements = new Map<string, string>();
  readonly #portals = new Map<string, string>();
  #sections: Section[] = [];
  #open = section();
  #prepared = new Set<string>();
  #binds = false;

  add(type: string, bytes: Buffer): PostgresUnit | undefined {
    const open = this.#open;
    open.messages.push(bytes);
    const name = cString(bytes, 5);
    if (type === 'P') this.#parse(name, cString(bytes, 6 + Buffer.byteLength(name)));
    else if (type === 'B') this.#bind(name, cString(bytes, 6 + Buffer.byteLength(name)));
    else if (type === 'D') this.#describe(name);
    else if (type === 'S' || type === 'H') return this.#end(type);
    else if (type === 'E') open.texts.push(this.#portals.get(name) ?? `portal ${name}`);
    else if (type !== 'C') {
      throw new UnsupportedWire(`a Postgres client sent a message of unknown type '${type}'`);
    }
    // Describe of a statement is answered twice: parameters, then row description.
    open.replies += type === 'D' && bytes[5] === 0x53 ? 2 : 1;
    if (type === 'E') this.#close();
    return undefined;
  }

  #parse(name: string, text: string): void {
    this.#statements.set(name, text);
    this.#prepared.add(text);
  }

  #bind(portal: string, statement: string): void {
    const text = this.#statements.get(statement) ?? `prepared ${statement}`;
    this.#portals.set(portal, text);
    this.#prepared.add(text);
    this.#binds = true;
  }

  /** The name comes with its kind before it: S for a statement, whose plan is looked at again. */
  #describe(kindAndName: string): void {
    const text = kindAndName.startsWith('S')
      ? this.#statements.get(kindAndName.slice(1))
      : undefined;
    if (text !== undefined) this.#prepared.add(text);
  }

  #close(): void {
    this.#sections.push(this.#open);
    this.#open = section();
  }

  #end(type: 'S' | 'H'): PostgresUnit {
    const sections = [...this.#sections, this.#open];
    const texts = sections.flatMap(one => one.texts);
    const unit: PostgresUnit = {
      kind: 'unit',
      bytes: Buffer.concat(sections.flatMap(one => one.messages)),
      texts,
      prepared: [...this.#prepared],
      binds: this.#binds,
      executes: texts.length > 0,
      ends: type === 'S' ? 'ready' : 'flush',
      replies: sections.reduce((sum, one) => sum + one.replies, 0),
      ...(texts.length > 1 ? { parts: partsOf(sections) } : {}),
    };
    this.#sections = [];
    this.#open = section();
    this.#prepared = new Set();
    this.#binds = false;
    return unit;
  }
}

/** One Execute of a pipeline each, with a Flush of the gate's own; a Sync is the last part. */
function partsOf(sections: readonly Section[]): PostgresUnit[] {
  const own = sections.filter(one => one.replies > 0 || one.messages.at(-1)?.[0] === 0x53);
  return own.map((one, at) => partOf(one, at === own.length - 1));
}

function partOf(one: Section, last: boolean): PostgresUnit {
  const syncs = last && one.messages.at(-1)?.[0] === 0x53;
  return {
    kind: 'unit',
    bytes: Buffer.concat(syncs ? one.messages : [...one.messages, flush]),
    texts: one.texts,
    prepared: [],
    binds: false,
    executes: one.texts.length > 0,
    ends: syncs ? 'ready' : 'flush',
    replies: one.replies,
    more: !last,
  };
}

function section(): Section {
  return { messages: [], texts: [], replies: 0 };
}
