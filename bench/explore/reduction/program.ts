import type { EventKind } from '../../../src/explore/search/choice.ts';

/** What a caller sends in one step. */
export type Request =
  /** One message to Postgres, with several statements if separated by semicolons; or a named statement. */
  | { readonly sql: string; readonly named?: true }
  /** One command to Redis. */
  | { readonly redis: readonly string[] }
  /** MULTI, these, EXEC. */
  | { readonly multi: readonly (readonly string[])[] }
  /** On a separate connection; messages count as answers to the caller. */
  | { readonly subscribe: string }
  /** Waits for a message, at most a second. */
  | { readonly hears: true };

export interface ProgramStep {
  readonly request: Request;
  /** Sent only if the caller's last answer was a yes (a row, a number above 0), or a no. */
  readonly when?: 'yes' | 'no';
}

export interface Caller {
  /** Start-up options of its Postgres connections. */
  readonly options?: string;
  readonly steps: readonly ProgramStep[];
}

/** A small race as data, which can be generated, printed and shrunk. */
export interface Program {
  readonly theme: string;
  readonly callers: readonly Caller[];
  readonly event?: EventKind;
  readonly phases: boolean;
  readonly fuseBegin: boolean;
}

/** The program as readable text. */
export function textOf({ theme, callers, event, phases, fuseBegin }: Program): string {
  const head = [
    theme,
    ...(event === undefined ? [] : [`one ${event}`]),
    phases ? 'phases' : 'no phases',
    ...(fuseBegin ? [] : ['BEGIN is a step']),
  ];
  const lines = callers.map(({ options, steps }, at) => {
    const name = String.fromCharCode(65 + at);
    const said = steps.map(({ request, when }) => {
      return `${when === undefined ? '' : `if ${when}: `}${requestText(request)}`;
    });
    const opened = options === undefined ? [] : [`(connects with ${options})`];
    return `  ${name}: ${[...opened, ...said].join(' | ')}`;
  });
  return [head.join(', '), ...lines].join('\n');
}

export function requestText(request: Request): string {
  if ('sql' in request) return `${request.named ? 'named ' : ''}${request.sql}`;
  if ('redis' in request) return request.redis.map(quoted).join(' ');
  if ('hears' in request) return 'HEARS';
  if ('subscribe' in request) return `SUBSCRIBE ${request.subscribe}`;
  return `MULTI, ${request.multi.map(words => words.map(quoted).join(' ')).join(', ')}, EXEC`;
}

function quoted(word: string): string {
  return /\s/.test(word) ? `'${word}'` : word;
}
