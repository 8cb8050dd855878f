import { withValues } from '../explain/values.ts';
import type { TraceLine } from '../run/trace.ts';

/** One row of a timeline: what happens in one actor's column, or across all of them. */
export interface TimelineRow {
  readonly number: number;
  /** Undefined spans every column: an event of the servers. */
  readonly actor: number | undefined;
  readonly kind: 'step' | 'waits' | 'goes on' | 'event';
  readonly text: string;
}

/** The lines of an execution in the order in which things happened: a wait ends in a row of its own. */
export function timelineRows(lines: readonly TraceLine[]): TimelineRow[] {
  const rows: TimelineRow[] = [];
  for (const [at, line] of lines.entries()) {
    const label = line.store.startsWith('redis')
      ? `${line.store}: ${line.label}`
      : withValues(line);
    const waited = line.answeredAfter > at + 1;
    const asleep = line.store === 'clock' || line.store === 'event';
    const result = line.result === '' ? '' : ` → ${line.result}`;
    const open = line.answeredAfter === 0 && !asleep;
    rows.push({
      number: at + 1,
      actor: line.actor,
      kind: line.store === 'event' ? 'event' : waited || open ? 'waits' : 'step',
      text: waited || open ? `${label} … waits` : `${label}${result}`,
    });
    for (const [earlier, before] of lines.slice(0, at + 1).entries()) {
      if (before.answeredAfter !== at + 1 || earlier >= at) continue;
      const text = `… ${withValues(before).slice(0, 40)} goes on → ${before.result}`;
      rows.push({ number: at + 1, actor: before.actor, kind: 'goes on', text });
    }
  }
  return rows;
}
