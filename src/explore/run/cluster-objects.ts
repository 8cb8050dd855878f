import { quoted } from './role-settings.ts';

/** A session at the server, outside of the explorer's own database. */
interface Session {
  query(text: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

type Kind = 'role' | 'database';

interface ClusterObject {
  readonly kind: Kind;
  readonly name: string;
}

const makes =
  /\bcreate\s+(role|user|group|database)\s+(?:"((?:[^"]|"")+)"|([a-z_\u0080-\uffff][\w$\u0080-\uffff]*))/gi;

/**
 * Roles and databases that the setup or an order makes. They belong to the server, not to the database
 * that is put back. Others may make some meanwhile: ours are those that a statement has named and
 * that were not there before.
 */
export class ClusterObjects {
  readonly #session: Session;
  readonly #before: ReadonlySet<string>;
  readonly #named = new Map<string, ClusterObject>();
  /** What the setup made: each order begins with it. */
  #kept: ReadonlySet<string> = new Set();

  private constructor(session: Session, before: ReadonlySet<string>) {
    this.#session = session;
    this.#before = before;
  }

  static async open(session: Session): Promise<ClusterObjects> {
    return new ClusterObjects(session, new Set((await present(session)).map(keyOf)));
  }

  /** A text that was sent, or will be. */
  heed(text: string): void {
    for (const [, what = '', quotedName, word = ''] of text.matchAll(makes)) {
      const kind = what.toLowerCase() === 'database' ? 'database' : 'role';
      const name = quotedName?.replaceAll('""', '"') ?? word.toLowerCase();
      this.#named.set(keyOf({ kind, name }), { kind, name });
    }
  }

  /** What the setup made is there from now on. */
  async keep(): Promise<void> {
    this.#kept = new Set((await this.#made()).map(keyOf));
  }

  /** Whether orders have made some. */
  async left(): Promise<boolean> {
    return (await this.#made()).some(one => !this.#kept.has(keyOf(one)));
  }

  /**
   * Statements that remove what orders have made, or `all`: to be run when the explorer's database is
   * gone or new, so that nothing in it belongs to a role.
   */
  async removing(all: 'all' | 'what orders made'): Promise<string[]> {
    const made = await this.#made();
    const gone = made.filter(one => all === 'all' || !this.#kept.has(keyOf(one)));
    gone.sort((a, b) => (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0)); // owners last
    return gone.map(({ kind, name }) => {
      return `drop ${kind} if exists ${quoted(name)}${kind === 'database' ? ' with (force)' : ''}`;
    });
  }

  async #made(): Promise<ClusterObject[]> {
    if (this.#named.size === 0) return [];
    const names = (await present(this.#session)).map(keyOf);
    return [...this.#named.values()].filter(one => {
      return names.includes(keyOf(one)) && !this.#before.has(keyOf(one));
    });
  }
}

async function present(session: Session): Promise<ClusterObject[]> {
  const rows = await session.query(`
    select 'role' as kind, rolname as name from pg_roles
    union all select 'database', datname from pg_database`);
  return rows.map(({ kind, name }) => ({
    kind: kind === 'role' ? 'role' : 'database',
    name: String(name),
  }));
}

function keyOf({ kind, name }: ClusterObject): string {
  return `${kind} ${name}`;
}
