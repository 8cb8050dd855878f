import type { SqlToken } from '../wire/sql-lexer.ts';
import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';

/** Settings by which the server ends a statement or a session in real time. */
export const timeoutNames = [
  'lock_timeout',
  'statement_timeout',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'transaction_timeout',
] as const;

export type TimeoutName = (typeof timeoutNames)[number];

const names: ReadonlySet<string> = new Set(timeoutNames);

/** For how long a statement may set one: for its transaction, or for its session. */
export type Reach = 'transaction' | 'session';

/**
 * Whether a statement may read or set a timeout, and for how long. A setting is named by a word
 * (`set lock_timeout`), or by a whole string (`set_config('lock_timeout', …)`): never by a part of
 * one, which is data. What cannot be told (a name in a parameter, a block of code) may do either.
 */
export function mentionsTimeout({ tokens }: SqlStatement): Reach | undefined {
  const words = leadingWords(tokens, 3);
  if (/^(reset|discard) all\b/.test(words)) return 'session';
  if (/^show all\b/.test(words)) return 'transaction';
  if (!tokens.some((token, at) => mayName(token, at, tokens))) return undefined;
  if (/^(set|reset)\b/.test(words)) return /^set local\b/.test(words) ? 'transaction' : 'session';
  const values = new Set(tokens.map(({ value }) => value));
  return values.has('set_config') && values.has('false') ? 'session' : 'transaction';
}

function mayName(token: SqlToken, at: number, tokens: readonly SqlToken[]): boolean {
  const { kind, value } = token;
  if (kind === 'dollar') return timeoutNames.some(name => value.toLowerCase().includes(name));
  if (kind === 'string' || kind === 'word' || kind === 'name') {
    if (names.has(value.toLowerCase())) return true;
  }
  if (value === 'pg_settings') return true;
  if (value !== 'set_config' && value !== 'current_setting') return false;
  return tokens[at + 2]?.kind !== 'string';
}

/** Whether it changes what sessions of a role or database, or all of them, begin with. */
export function altersDefaults({ tokens }: SqlStatement): boolean {
  return /^alter (role|user|database|system)\b/.test(leadingWords(tokens, 2));
}
