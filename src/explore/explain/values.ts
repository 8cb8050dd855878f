import type { TraceLine } from '../run/trace.ts';

const charactersMax = 40;

/** A statement with its values in place of `$1`, for people. */
export function withValues({ label, values }: Pick<TraceLine, 'label' | 'values'>): string {
  if (values === undefined || values.length === 0) return label;
  return label.replace(/'(?:[^']|'')*'|\$(\d+)/g, (whole: string, number: string | undefined) => {
    const value = number === undefined ? undefined : values[Number(number) - 1];
    return value === undefined ? whole : literal(value);
  });
}

function literal(value: string | null): string {
  if (value === null) return 'null';
  if (/^-?\d+(\.\d+)?$/.test(value)) return value;
  const cut = value.length > charactersMax ? `${value.slice(0, charactersMax - 1)}…` : value;
  return `'${cut.replaceAll("'", "''")}'`;
}
