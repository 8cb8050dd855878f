import type { ActorEnd } from './run/actor.ts';
import type { ExecutionRecord } from './run/stage.ts';
import { letter } from './search/choice.ts';

/** The violations of an execution: rows of the audit, and actors that never end. */
export function findings(record: ExecutionRecord): readonly string[] {
  const stuck = record.end.kind === 'stuck' ? [`stuck: ${record.end.why}`] : [];
  return [...stuck, ...record.violations];
}

/** The outcome of one order, as text: two searches agree when they meet the same set of these. */
export function signatureOf(record: ExecutionRecord): string {
  const actors = record.ends.map((end, at) => `${letter(at)} ${endingText(end)}`);
  return [...actors, ...findings(record)].join(' · ');
}

/** What one caller was told. */
export function endingText(end: ActorEnd | undefined): string {
  if (end === undefined) return 'has not ended';
  if (end.kind === 'threw') return `threw ${end.message}`;
  if (end.kind === 'crashed') return 'crashed';
  return end.value === undefined ? 'returned' : `returned ${JSON.stringify(end.value)}`;
}
