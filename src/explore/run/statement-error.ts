import { DatabaseError } from 'pg';

const charactersMax = 160;

/** What Postgres says of a statement, with the line that it means: message, SQLSTATE, hint, place. */
export function withPlace(error: unknown, text: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { code, detail, hint, position } = error;
  const parts = [
    `${error.message} (${code ?? 'no SQLSTATE'})`,
    ...(detail === undefined ? [] : [detail]),
    ...(hint === undefined ? [] : [`hint: ${hint}`]),
    ...(position === undefined ? [] : [placeIn(text, Number(position))]),
    ...(position === undefined && error.where !== undefined ? [error.where] : []),
  ];
  return new Error(parts.join('; '), { cause: error });
}

/** `line 2, column 8: create tabel x`; positions count characters from 1. */
function placeIn(text: string, position: number): string {
  const before = text.slice(0, position - 1).split('\n');
  const column = (before.at(-1)?.length ?? 0) + 1;
  const line = text.split('\n')[before.length - 1]?.trim() ?? '';
  const shown = line.length > charactersMax ? `${line.slice(0, charactersMax)}…` : line;
  return `line ${before.length}, column ${column}: ${shown}`;
}
