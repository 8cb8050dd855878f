/** How many of a cell's contested keys got one more command after the audit. */
export interface Sampled {
  readonly cell: string;
  readonly asked: number;
  readonly contested: number;
}

/** One sentence for all cells whose keys were too many to ask each again; none if each was asked. */
export function sampledNote(cells: readonly Sampled[]): string[] {
  const short = cells.filter(({ asked, contested }) => asked > 0 && asked < contested);
  if (short.length === 0) return [];
  const shares = [...new Set(short.map(shareOf))];
  const told = shares.map(share => {
    const named = short.filter(one => shareOf(one) === share).map(({ cell }) => cell);
    return `${share} in ${named.join(', ')}`;
  });
  return [
    `After the audit only a sample of the contested keys was asked again; the others may be stuck: ${told.join('; ')}.`,
  ];
}

const shareOf = ({ asked, contested }: Sampled): string => `${asked} of ${contested}`;
