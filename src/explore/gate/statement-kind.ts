import { leadingWords, type SqlStatement } from '../wire/sql-split.ts';

export function opensTransaction({ tokens }: SqlStatement): boolean {
  return /^(begin|start transaction)\b/.test(leadingWords(tokens, 2));
}

/** COMMIT, ROLLBACK and PREPARE TRANSACTION; not ROLLBACK TO, nor what ends a prepared one. */
export function endsTransaction({ tokens }: SqlStatement): boolean {
  const words = leadingWords(tokens, 3);
  if (words.startsWith('prepare transaction')) return true;
  return /^(commit|end|rollback|abort)\b(?!.*\b(to|prepared)\b)/.test(words);
}

export function rollsBackToSavepoint({ tokens }: SqlStatement): boolean {
  return /^rollback\b.*\bto\b/.test(leadingWords(tokens, 3));
}

/** What the server runs without a snapshot: `PlannedStmtRequiresSnapshot` in tcop/pquery.c. */
const withoutSnapshot = new Set(
  (
    'begin start commit end rollback abort savepoint release lock set reset show fetch move ' +
    'listen notify unlisten checkpoint close deallocate'
  ).split(' '),
);

/** Whether the statement takes the snapshot of a transaction that keeps one and has none yet. */
export function takesSnapshot({ tokens }: SqlStatement): boolean {
  const words = leadingWords(tokens, 3);
  if (/^set constraints\b|^set transaction snapshot\b/.test(words)) return true;
  return (
    !withoutSnapshot.has(words.split(' ')[0] ?? '') && !words.startsWith('prepare transaction')
  );
}

/** Whether analysing the statement, before it is executed, locks tables or takes the snapshot. */
export function isAnalysed({ tokens }: SqlStatement): boolean {
  const [first] = tokens;
  if (first?.value === '(') return true;
  return analysed.has(leadingWords(tokens, 1));
}

const analysed = new Set(
  'select insert update delete merge with values table declare explain create execute'.split(' '),
);
