import type { TransactionStatus } from '../wire/postgres-replies.ts';
import type { SqlStatement } from '../wire/sql-split.ts';
import type { CancelReason } from './cancelled.ts';
import { endsTransaction, rollsBackToSavepoint } from './statement-kind.ts';
import { mentionsTimeout, type Reach, type TimeoutName, timeoutNames } from './timeout-mention.ts';

/** Runs statements of the gate's own on the same backend; undefined when one failed. */
export type Ask = (
  statements: readonly string[],
) => Promise<readonly (readonly string[])[] | undefined>;

/**
 * The timeouts of one session. They would run in real time while others are given their turns, so
 * the server is kept at none; what the session has asked for stands beside each in a setting of
 * ours (`explorer.lock_timeout`), set in the same transaction and savepoint: so the server itself
 * takes both back together, whatever ends. A statement that may read or set one finds the real
 * values, and is looked at behind. Only SET and SHOW are used: they take no snapshot.
 */
export class ServerTimeouts {
  #known: readonly TimeoutName[] = [];
  /** The timeouts that the session has set and not switched off. */
  #asked: ReadonlyMap<TimeoutName, string> = new Map();
  /** The role, the database or the start-up packet asks for some already. */
  #fromStart = false;
  /** A statement may have set one since the last look, for so long. */
  #mentioned: Reach | undefined;
  /** Transactions that say nothing keep one snapshot. */
  snapshotsByDefault = false;

  /** The timeout that ends a wait for a lock first; undefined where none does. */
  get first(): CancelReason | undefined {
    const lock = milliseconds(this.#asked.get('lock_timeout'));
    const statement = milliseconds(this.#asked.get('statement_timeout'));
    if (lock === 0 && statement === 0) return undefined;
    return statement === 0 || (lock > 0 && lock < statement) ? 'lock_timeout' : 'statement_timeout';
  }

  /** At a session's beginning, and when it was forgotten. Resolves to false when that failed. */
  async start(ask: Ask): Promise<boolean> {
    this.#mentioned = undefined;
    const rows = await ask([atStart]);
    if (rows === undefined) return false;
    const asked = rows.map(([name = '', value = '']) => [name, value] as const);
    this.#known = timeoutNames.filter(name => asked.some(([known]) => known === name));
    this.#note(asked);
    this.#fromStart = this.#asked.size > 0;
    const isolation = asked.find(([name]) => name === 'default_transaction_isolation');
    this.snapshotsByDefault = isolation !== undefined && isolation[1] !== 'read committed';
    return true;
  }

  /** Behind DISCARD ALL. */
  async restart(ask: Ask): Promise<boolean> {
    if (this.#fromStart) return this.start(ask);
    this.#mentioned = undefined;
    this.#asked = new Map();
    return true;
  }

  /** What has to be run before these statements, so that they find the real values. */
  before(statements: readonly SqlStatement[], status: TransactionStatus): string[] {
    for (const statement of statements) {
      const reach = mentionsTimeout(statement);
      if (reach !== undefined) this.#mentioned = wider(this.#mentioned, reach);
    }
    if (this.#mentioned === undefined || status === 'E') return [];
    return this.#put(scope(this.#mentioned, status), asked => [asked, '']);
  }

  /** Whether the server has to be looked at behind these statements. */
  looks(statements: readonly SqlStatement[], status: TransactionStatus): boolean {
    if (status === 'E') return false;
    if (this.#mentioned !== undefined) return true;
    if (this.#asked.size === 0) return false;
    return statements.some(one => endsTransaction(one) || rollsBackToSavepoint(one));
  }

  /** Learns what is asked for now, and sets the server to none again. */
  async look(ask: Ask, status: TransactionStatus): Promise<void> {
    const shows = this.#known.flatMap(name => [`show ${name}`, `show explorer.${name}`]);
    const rows = await ask(shows);
    if (rows === undefined) return;
    const at = (index: number): string => rows[index]?.[0] ?? '';
    const set = this.#known.filter((_, index) => at(2 * index) !== '0');
    this.#note(
      this.#known.map((name, index) => {
        return [name, at(2 * index) === '0' ? at(2 * index + 1) : at(2 * index)];
      }),
    );
    const reach = scope(this.#mentioned ?? 'transaction', status);
    this.#mentioned = undefined;
    const off = this.#put(reach, asked => ['0', asked], set);
    if (off.length > 0) await ask(off);
  }

  #put(
    reach: string,
    values: (asked: string) => readonly [server: string, beside: string],
    names: readonly TimeoutName[] = [...this.#asked.keys()],
  ): string[] {
    return names.flatMap(name => {
      const [server, beside] = values(this.#asked.get(name) ?? '0');
      return [`set ${reach} explorer.${name} = '${beside}'`, `set ${reach} ${name} = '${server}'`];
    });
  }

  #note(asked: readonly (readonly [name: string, value: string])[]): void {
    this.#asked = new Map(
      timeoutNames.flatMap(name => {
        const value = asked.find(([known]) => known === name)?.[1] ?? '';
        return value === '' || value === '0' ? [] : [[name, value] as const];
      }),
    );
  }
}

/** Outside a transaction the session's values are the only ones. */
const atStart = `
  select name, set_config('explorer.' || name, case value when '0' then '' else value end, false),
    set_config(name, '0', false)
  from (select name, current_setting(name, true) as value
    from unnest(array['${timeoutNames.join("', '")}']) as name offset 0) as settings
  where value is not null
  union all
  select 'default_transaction_isolation', current_setting('default_transaction_isolation'), ''`;

function scope(reach: Reach, status: TransactionStatus): string {
  return status === 'I' || reach === 'session' ? 'session' : 'local';
}

function wider(a: Reach | undefined, b: Reach): Reach {
  return a === 'session' ? a : b;
}

const units: Readonly<Record<string, number>> = {
  us: 1e-3,
  ms: 1,
  s: 1e3,
  min: 6e4,
  h: 36e5,
  d: 864e5,
};

/** As the server shows it: `2s`, `1500ms`, `0`. */
function milliseconds(shown = '0'): number {
  const [, number = '0', unit = 'ms'] = /^(\d+)\s*([a-z]*)$/.exec(shown) ?? [];
  return Number(number) * (units[unit] ?? 1);
}
