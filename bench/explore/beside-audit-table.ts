/** The table of `dev:serial`. Pure. */
import type { BesideAudit } from './beside-audit.ts';

/** Counts of orders, one row for each cell; below it the disagreements. */
export function besideTable(cells: readonly BesideAudit[]): string {
  const rows = cells.map(one => {
    const { scenario, strategy, claim, orders, exhausted, beside, kinds } = one;
    return [
      scenario,
      strategy,
      claim,
      exhausted ? String(orders) : `${orders}, and more`,
      String(beside.both),
      String(beside['the audit alone']),
      String(beside['serial orders alone']),
      String(kinds['effects differ']),
      String(kinds['only answers differ']),
      String(kinds['only an error that asks for a retry']),
      String(kinds['not judged']),
    ];
  });
  const line = (parts: readonly string[]): string => `| ${parts.join(' | ')} |`;
  return [line(head), line(head.map((_, at) => (at < 3 ? '-' : '-:'))), ...rows.map(line)].join(
    '\n',
  );
}

const head = [
  'scenario',
  'strategy',
  'claim',
  'orders',
  'wrong by both',
  'by the audit alone',
  'by serial orders alone',
  'effects differ',
  'only answers',
  'only a retry',
  'not judged',
];

/** Recall and false accusations, in figures. */
export function besideSummary(cells: readonly BesideAudit[]): string {
  const sum = (count: (one: BesideAudit) => number): number =>
    cells.reduce((all, one) => all + count(one), 0);
  const audited = cells.filter(({ beside }) => beside.both + beside['the audit alone'] > 0);
  const found = audited.filter(({ beside }) => beside.both > 0);
  const safe = cells.filter(({ claim }) => claim === 'safe');
  const accused = safe.filter(({ kinds }) => kinds['effects differ'] > 0);
  const silent = cells.filter(({ why }) => why !== '');
  return [
    `${cells.length} cells, ${sum(({ orders }) => orders)} orders.`,
    `Cells that the audit rejects: ${audited.length}; of these the serial orders reject ${found.length}.`,
    `Orders that the audit rejects: ${sum(({ beside }) => beside.both + beside['the audit alone'])}; ` +
      `of these the serial orders reject ${sum(({ beside }) => beside.both)}.`,
    `Cells that claim safety: ${safe.length}; of these ${accused.length} have an order whose effects differ` +
      `${accused.length === 0 ? '' : ` (${accused.map(one => `${one.scenario} ${one.strategy}`).join(', ')})`}.`,
    `Cells in which nothing could be judged: ${silent.length}` +
      `${silent.map(one => `; ${one.scenario} ${one.strategy}: ${one.why}`).join('')}.`,
  ].join('\n');
}

/** One order for each cell in which the two disagree. */
export function disagreements(cells: readonly BesideAudit[]): string {
  return cells
    .flatMap(({ scenario, strategy, disagreement }) => {
      if (disagreement === undefined) return [];
      const { why, timeline } = disagreement;
      return [`### ${scenario}, ${strategy}\n\n${why}\n\n\`\`\`text\n${timeline}\n\`\`\`\n`];
    })
    .join('\n');
}
